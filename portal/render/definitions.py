"""What BPMN's events refer to: their definitions, and the signals, errors and messages beside the process."""

from __future__ import annotations

import datetime as dt
from operator import attrgetter
from typing import Any
from xml.etree import ElementTree as ET

from portal.flow.base import describe
from portal.working_time import WorkingTime

from .expressions import awaited
from .shapes import Shape
from .text import printable
from .words import caption, code_of

#: where a node keeps its moment, and what BPMN calls such a one
_MOMENTS = (
    (attrgetter("delay"), ""),
    (attrgetter("until"), ""),
    (attrgetter("interval"), "timeCycle"),
    (attrgetter("cron"), "timeCycle"),
)


class Roots:
    """The elements beside the process, each made once, when the first node refers to it."""

    def __init__(self, root: ET.Element, process: ET.Element) -> None:
        self._root = root
        self._process = process
        self._made: dict[tuple[str, str], str] = {}

    def message(self, node: Any) -> str:
        """The id of a message that bears the node's title."""
        return self._ref("message", code_of(node) or caption(node))

    def signal(self, node: Any) -> str:
        return self._ref("signal", code_of(node) or caption(node))

    def error(self, node: Any) -> str:
        return self._ref("error", code_of(node), "errorCode")

    def escalation(self, node: Any) -> str:
        return self._ref("escalation", code_of(node), "escalationCode")

    def _ref(self, kind: str, name: str, code: str = "") -> str:
        if (kind, name) not in self._made:
            number = 1 + sum(other == kind for other, _ in self._made)
            element = ET.Element(f"bpmn:{kind}", id=f"{kind}_{number}")
            if name:
                element.set("name", printable(name))
                if code:
                    element.set(code, printable(name))
            self._root.insert(list(self._root).index(self._process), element)
            self._made[kind, name] = f"{kind}_{number}"
        return self._made[kind, name]


def define_event(element: ET.Element, node: Any, shape: Shape, roots: Roots) -> None:
    """Add the event's definition, if it has one."""
    if not shape.definition:
        return
    definition = ET.SubElement(element, f"bpmn:{shape.definition}", id=f"{element.get('id')}definition")
    match shape.definition:
        case "timerEventDefinition":
            _time(definition, node)
        case "messageEventDefinition":
            definition.set("messageRef", roots.message(node))
        case "signalEventDefinition":
            definition.set("signalRef", roots.signal(node))
        case "errorEventDefinition" if code_of(node) or node.kind == "ErrorEnd":
            definition.set("errorRef", roots.error(node))
        case "escalationEventDefinition" if code_of(node) or node.kind == "EscalationThrow":
            definition.set("escalationRef", roots.escalation(node))
        case "conditionalEventDefinition":
            condition = ET.SubElement(definition, "bpmn:condition", {"xsi:type": "bpmn:tFormalExpression"})
            condition.text = printable(awaited(node))


def duration(span: dt.timedelta | WorkingTime) -> str:
    """As ISO 8601 writes it: `P3D`, `PT1H30M`. That it is working time the caption says."""
    if isinstance(span, WorkingTime):
        span = dt.timedelta(span.days, hours=span.hours)
    seconds = round(span.total_seconds())
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    time = "".join(
        f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count
    )
    return "P" + (f"{days}D" if days else "") + (f"T{time}" if time else "" if days else "T0S")


def _time(definition: ET.Element, node: Any) -> None:
    if node.repeat is not None:  # `R3/P1D`: three times, a day apart
        cycle = ET.SubElement(definition, "bpmn:timeCycle", {"xsi:type": "bpmn:tFormalExpression"})
        cycle.text = f"R{node.times_to_fire or ''}/{duration(node.interval)}"
        return
    for moment_of, element in _MOMENTS:
        moment = moment_of(node)
        if moment is None:
            continue
        if isinstance(moment, dt.timedelta | WorkingTime):
            element, words = element or "timeDuration", ("R/" if element else "") + duration(moment)
        elif isinstance(moment, dt.datetime):
            element, words = "timeDate", moment.isoformat()
        else:
            # a callable's moment is known only when it is asked
            known = moment if isinstance(moment, str) else describe(moment)
            element, words = element or "timeDate", known or caption(node)
        time = ET.SubElement(definition, f"bpmn:{element}", {"xsi:type": "bpmn:tFormalExpression"})
        time.text = printable(words)
        return
