"""What each kind of node looks like, is called and becomes in BPMN: one row a kind."""

from __future__ import annotations

import dataclasses
from typing import Any

from portal.language import gettext as _
from portal.language import lazy_gettext

from .joins import all_arrive, is_conditional

#: the kinds that sit on the border of another node
BOUNDARY_KINDS = frozenset(
    {
        *("TimeoutBoundary", "MessageBoundary", "SignalBoundary"),
        *("ErrorBoundary", "EscalationBoundary", "CompensationBoundary"),
    }
)

#: what BPMN lets follow an event-based gateway
_CATCHING = frozenset({"Timer", "MessageCatch", "SignalCatch", "ConditionalCatch", "Handle"})


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """How a kind of node is drawn, said and exported."""

    #: task, event or gateway
    form: str
    #: the BPMN element's name
    element: str
    #: what a person reads who does not know BPMN
    word: str
    #: name of the drawing inside the outline, see `symbols`
    symbol: str = ""
    #: events: thin (start), double (in between), thick (end); tasks: thin, thick (calls another process)
    border: str = "thin"
    #: the BPMN event definition's name
    definition: str = ""
    #: drawings at the bottom of a task: subprocess, parallel, sequential, compensation
    markers: tuple[str, ...] = ()
    #: a throwing event's drawing is filled
    filled: bool = False


def _task(element: str, word: str, symbol: str = "") -> Shape:
    return Shape("task", element, word, symbol)


def _call(word: str, *markers: str) -> Shape:
    return Shape("task", "callActivity", word, border="thick", markers=(*markers, "subprocess"))


def _gateway(element: str, word: str, symbol: str) -> Shape:
    return Shape("gateway", element, word, symbol)


def _start(word: str, symbol: str = "", definition: str = "") -> Shape:
    return Shape("event", "startEvent", word, symbol, "thin", definition)


def _catch(word: str, symbol: str, definition: str) -> Shape:
    return Shape("event", "intermediateCatchEvent", word, symbol, "double", definition)


def _throw(word: str, symbol: str, definition: str) -> Shape:
    return Shape("event", "intermediateThrowEvent", word, symbol, "double", definition, filled=True)


def _boundary(word: str, symbol: str, definition: str) -> Shape:
    return Shape("event", "boundaryEvent", word, symbol, "double", definition)


def _end(word: str, symbol: str = "", definition: str = "") -> Shape:
    return Shape("event", "endEvent", word, symbol, "thick", definition, filled=True)


SHAPES: dict[str, Shape] = {
    "Start": _start(lazy_gettext("Start by a person")),
    "StartHandle": _start(lazy_gettext("Start from a program"), "message", "messageEventDefinition"),
    "StartTimer": _start(lazy_gettext("Start on a schedule"), "timer", "timerEventDefinition"),
    "View": _task("userTask", lazy_gettext("Task"), "user"),
    "ManualTask": _task("manualTask", lazy_gettext("Manual task"), "manual"),
    "Function": _task("scriptTask", lazy_gettext("Automatic step"), "script"),
    "Job": _task("serviceTask", "Job", "service"),
    "ExternalTask": _task("serviceTask", lazy_gettext("Work of another program"), "service"),
    "SendHandle": _task("sendTask", lazy_gettext("Sends a message"), "send"),
    "BusinessRule": _task("businessRuleTask", lazy_gettext("Business rule"), "rule"),
    "DecisionTable": _task("businessRuleTask", lazy_gettext("Decision table"), "rule"),
    "Handle": _task("receiveTask", lazy_gettext("Waits for a program"), "receive"),
    "MessageThrow": _throw(lazy_gettext("Sends a message"), "message", "messageEventDefinition"),
    "MessageCatch": _catch(lazy_gettext("Waits for a message"), "message", "messageEventDefinition"),
    "Timer": _catch("Timer", "timer", "timerEventDefinition"),
    "If": _gateway("exclusiveGateway", lazy_gettext("Decision"), "exclusive"),
    "Switch": _gateway("exclusiveGateway", lazy_gettext("Decision"), "exclusive"),
    "Split": _gateway("parallelGateway", lazy_gettext("Parallel branches"), "parallel"),
    "SplitFirst": _gateway("eventBasedGateway", lazy_gettext("The first branch wins"), "event"),
    "Join": _gateway("parallelGateway", "Join", "parallel"),
    "Subprocess": _call("Subprocess"),
    "NSubprocess": _call(lazy_gettext("Subprocess for each item"), "parallel"),
    "End": _end(lazy_gettext("End")),
    "TerminateEnd": _end(lazy_gettext("End of the whole process"), "terminate", "terminateEventDefinition"),
    "ErrorEnd": _end(lazy_gettext("End as failed"), "error", "errorEventDefinition"),
    "SignalCatch": _catch(lazy_gettext("Waits for a signal"), "signal", "signalEventDefinition"),
    "SignalThrow": _throw(lazy_gettext("Sends a signal"), "signal", "signalEventDefinition"),
    "EscalationThrow": _throw(lazy_gettext("Escalates"), "escalation", "escalationEventDefinition"),
    "ConditionalCatch": _catch(
        lazy_gettext("Waits for a condition"), "conditional", "conditionalEventDefinition"
    ),
    "CancelRegion": _task("scriptTask", lazy_gettext("Cancels open steps"), "canceled"),
    "CompensateThrow": _throw(lazy_gettext("Compensates"), "compensation", "compensateEventDefinition"),
    "TimeoutBoundary": _boundary(lazy_gettext("When it takes too long"), "timer", "timerEventDefinition"),
    "MessageBoundary": _boundary(lazy_gettext("On a message"), "message", "messageEventDefinition"),
    "SignalBoundary": _boundary(lazy_gettext("On a signal"), "signal", "signalEventDefinition"),
    "ErrorBoundary": _boundary(lazy_gettext("On error"), "error", "errorEventDefinition"),
    "EscalationBoundary": _boundary(
        lazy_gettext("When it is escalated"), "escalation", "escalationEventDefinition"
    ),
    "CompensationBoundary": _boundary(
        lazy_gettext("When it is taken back"), "compensation", "compensateEventDefinition"
    ),
}


def shape_of(node: Any) -> Shape:
    """The shape of one node: its kind's, as its place in the flow bends it.

    - A `Split` with a case or a data source on a branch is an inclusive gateway: not every branch need run.
    - A `Join` is inclusive where not every way in is certain to be used, because it waits only for what can
      still arrive; with a condition of its own it is a complex gateway, BPMN's word for "goes on when this holds".
    - A `SplitFirst` is BPMN's event-based gateway only if every branch begins with an event or receive task;
      before people's tasks BPMN forbids it, and it is a complex gateway.
    - An event or gateway with boundary events of its own is drawn as a task: BPMN allows them only there.
    - What a compensation boundary leads to bears the compensation marker.
    """
    shape = SHAPES[_known_kind(node)]
    if shape.form != "task" and node.boundaries:
        return Shape("task", "receiveTask" if node.kind in _CATCHING else "task", shape.word, shape.symbol)
    if is_conditional(node):
        return dataclasses.replace(
            shape, element="inclusiveGateway", symbol="inclusive", word=_("Some of the branches")
        )
    if node.kind == "Join":
        return _join_shape(node, shape)
    if node.kind == "SplitFirst" and not all(edge.target.kind in _CATCHING for edge in node.outgoing):
        return dataclasses.replace(shape, element="complexGateway", symbol="complex")
    if node.kind == "NSubprocess" and node.sequential:
        return dataclasses.replace(
            shape, markers=("sequential", "subprocess"), word=_("Another process, item by item")
        )
    if is_handler(node) and shape.form == "task":
        return dataclasses.replace(shape, markers=("compensation", *shape.markers))
    return shape


def is_boundary(node: Any) -> bool:
    return node.kind in BOUNDARY_KINDS


def is_handler(node: Any) -> bool:
    """Whether the node takes another one back: only a compensation boundary leads to it."""
    return any(edge.source.kind == "CompensationBoundary" for edge in node.incoming)


def _known_kind(node: Any) -> str:
    """The kind, or the nearest base's if an author made a kind of his own."""
    names = (node.kind, *(cls.__name__ for cls in type(node).__mro__))
    return next((name for name in names if name in SHAPES), "Function")


def _join_shape(node: Any, shape: Shape) -> Shape:
    if node.continue_on_condition is not None or node.count is not None:
        return dataclasses.replace(
            shape, element="complexGateway", symbol="complex", word=_("Enough branches meet")
        )
    if not all_arrive(node):
        return dataclasses.replace(shape, element="inclusiveGateway", symbol="inclusive")
    return shape
