"""The declaration of each kind of BPMN element in a flow: one row a kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portal.flow.base import title_of

from .diagram import Diagram, Element, Line
from .names import quoted, snake

_TASKS = {
    "userTask": "flow.View(views.UpdateProcessView.as_view(fields=[]))",
    "manualTask": "flow.ManualTask()",
    "task": "flow.ManualTask()",
    "receiveTask": "flow.Handle()",
}
#: tasks and events that call a method of the flow
_CODE = {
    "scriptTask": "Function",
    "serviceTask": "Job",
    "sendTask": "SendHandle",
    "businessRuleTask": "BusinessRule",
    ("intermediateThrowEvent", "message"): "MessageThrow",
    ("intermediateThrowEvent", ""): "Function",
}
_ENDS = {"terminate": "flow.TerminateEnd()", "error": "flow.ErrorEnd({detail})"}
_BORDERS = {"timer": "OnTimeout", "error": "OnError", "escalation": "OnEscalation", "message": "OnMessage",
            "signal": "OnSignal"}  # fmt: skip
_SPAN = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_COUNT = re.compile(r"(\d+) branches are in")


class Writer:
    """Writes the nodes of one diagram.

    Args:
        names: the names of the nodes, by the ids of their elements.
        classes: the names of flow classes, by the ids of their processes.
        tables: write `DecisionTable` where a decision is named; its file has to be there when the module is imported.
    """

    def __init__(
        self, diagram: Diagram, names: dict[str, str], classes: dict[str, str], tables: bool = True
    ) -> None:
        self._tables = tables
        self._diagram, self._names, self._classes = diagram, names, classes
        #: the methods that the nodes name
        self.methods: list[str] = []
        self._taken: set[str] = set(names.values())
        #: the names of the methods that were written, by what they are for
        self._named: dict[tuple[str, str], str] = {}

    def node(self, element: Element) -> Iterator[str]:
        """The lines that declare a node."""
        name = self._names[element.id]
        parts = [self._made_of(element), *self._annotation(element, name), *self._borders(element)]
        parts += self._ways(element)
        if parts[0].startswith("flow.DecisionTable("):
            yield "    # TODO: put the file beside this module, and declare the fields that its table reads and sets"
        if element.loop and element.kind not in ("callActivity", "subProcess"):
            yield "    # TODO: done for each of several items: a data source of the split before it"
        if len("".join(parts)) < 90 and len(parts) < 4:
            yield f"    {name} = {''.join(parts)}"
            return
        yield f"    {name} = ("
        yield f"        {parts[0]}"
        yield from (f"        {part}" for part in parts[1:])
        yield "    )"

    # -- what it is

    def _made_of(self, element: Element) -> str:
        kind, event = element.kind, element.event
        if kind in _TASKS:
            return _TASKS[kind]
        if element.decision and self._tables:
            return _table(element.decision)
        if element.topic:
            return f"flow.ExternalTask({quoted(element.topic)})"
        if code := _CODE.get(kind) or _CODE.get((kind, event)):
            return f"flow.{code}(this.{self._method(element, 'do', 'what the step does')})"
        if kind == "startEvent":
            return self._start(element)
        if kind == "endEvent":
            return _ENDS.get(event, "flow.End()").format(
                detail=quoted(element.detail) if element.detail else ""
            )
        if kind.endswith("Gateway"):
            return self._gateway(element)
        if kind.startswith("intermediate"):
            return self._event(element)
        return self._call(element)

    def _start(self, element: Element) -> str:
        if element.event == "timer":
            span = _span(element.detail.removeprefix("R/"))
            if span is None and len(element.detail.split()) == 5:
                return f"flow.StartTimer(cron={quoted(element.detail)})"
            return f"flow.StartTimer(interval={span or 'dt.timedelta(days=1)'})"
        if element.event:
            return "flow.StartHandle()"
        return "flow.Start(views.CreateProcessView.as_view(fields=[]))"

    def _event(self, element: Element) -> str:
        event, detail = element.event, element.detail
        if event == "timer":
            return f"flow.Timer({self._moment(element)})"
        if event == "message":
            return "flow.MessageCatch()"
        if event == "conditional":
            return f"flow.ConditionalCatch(this.{self._method(element, 'when', detail, 'return False')})"
        if event == "escalation":
            return f"flow.EscalationThrow({quoted(detail or self._names[element.id])})"
        if event == "compensate":
            return "flow.CompensateThrow()"
        kind = "Catch" if element.kind == "intermediateCatchEvent" else "Throw"
        return f"flow.Signal{kind}({quoted(detail or element.name or self._names[element.id])})"

    def _call(self, element: Element) -> str:
        start = f"{self._classes.get(element.called, 'CalledFlow')}.start"
        if not element.loop:
            return f"flow.Subprocess({start})"
        items = self._method(element, "items", "the items", "return []")
        return f"flow.NSubprocess({start}, this.{items}{', sequential=True' if element.loop == 'sequential' else ''})"

    def _gateway(self, element: Element) -> str:
        kind = element.kind
        # a complex one may have a single way in, which several branches take
        meets = len(element.ways_in) > 1 or kind == "complexGateway"
        if meets and len(element.ways) < 2 and kind not in ("exclusiveGateway", "eventBasedGateway"):
            return f"flow.Join({self._early(element)})"
        if kind == "exclusiveGateway":
            if not _is_if(element):
                return "flow.Switch()"
            asked = next(way for way in element.ways if not way.is_default)
            return f"flow.If(this.{self._condition(asked)})"
        return "flow.SplitFirst()" if kind in ("eventBasedGateway", "complexGateway") else "flow.Split()"

    def _early(self, element: Element) -> str:
        if element.kind != "complexGateway":
            return ""
        if count := _COUNT.fullmatch(element.detail):
            return f"count={count[1]}"
        method = self._method(element, "enough", element.detail, "return False", "activation, active_tasks")
        return f"this.{method}"

    # -- what it bears, and where it leads

    def _annotation(self, element: Element, name: str) -> Iterator[str]:
        words = {"title": element.name if element.name != title_of(name) else ""}
        if element.kind not in ("scriptTask",):
            words["description"] = element.text
        given = ", ".join(f"{key}={quoted(value)}" for key, value in words.items() if value)
        if given:
            yield f".Annotation({given})"
        if element.kind in ("userTask", "manualTask", "task"):
            yield ".Permission(auto_create=True)"

    def _borders(self, element: Element) -> Iterator[str]:
        for event in self._diagram.boundaries(element):
            ways = [self._names[way.target] for way in event.ways]
            if event.event == "compensate":  # a method that takes it back is not drawn
                handler = ways[0] if ways else self._method(event, "undo", "how it is taken back")
                yield f".CompensateWith(this.{handler})"
            elif ways:
                method = _BORDERS.get(event.event, "OnMessage")
                yield f".{method}({', '.join(self._border(event, method, f'this.{ways[0]}'))})"

    def _border(self, event: Element, method: str, then: str) -> Iterator[str]:
        """The arguments of a boundary event."""
        if method in ("OnError", "OnEscalation"):
            yield then
            if event.detail:
                yield f"code={quoted(event.detail)}"
            if method == "OnEscalation" and event.interrupting:
                yield "interrupting=True"
            return
        yield (
            self._moment(event)
            if method == "OnTimeout"
            else quoted(event.detail or event.name or snake(event.id))
        )
        yield then
        if not event.interrupting:
            yield "interrupting=False"
            yield from self._repeat(event)
        if event.name and event.name != event.detail:
            yield f"title={quoted(event.name)}"

    def _repeat(self, event: Element) -> Iterator[str]:
        times, slash, span = event.detail.partition("/")
        if event.event == "timer" and slash and times.startswith("R"):
            yield f"repeat={times[1:]}" if times[1:] else f"repeat={_span(span) or 'dt.timedelta(days=1)'}"

    def _ways(self, element: Element) -> Iterator[str]:
        if element.compensates or element.kind == "endEvent":
            return
        made = self._gateway(element) if element.kind.endswith("Gateway") else ""
        kind = made.removeprefix("flow.").partition("(")[0]
        ways = (
            sorted(element.ways, key=lambda way: way.is_default) if kind in ("If", "Switch") else element.ways
        )
        for way in ways:
            yield self._way(way, kind)

    def _way(self, way: Line, kind: str) -> str:
        then = f"this.{self._names[way.target]}"
        label = f", label={quoted(way.label)}" if way.label else ""
        if kind in ("If", "Switch") and way.is_default:
            return f".{'Else' if kind == 'If' else 'Default'}({then}{label})"
        if kind == "If":
            return f".Then({then}{label})"
        if kind == "Switch":
            return f".Case({then}, this.{self._condition(way)}{label})"
        if kind == "Split" and way.condition and way.condition != "true":
            return f".Next({then}, case=this.{self._condition(way)}{label})"
        return f".Next({then}{label if kind != 'SplitFirst' else ''})"

    def _condition(self, way: Line) -> str:
        key = way.source, str(self._diagram.elements[way.source].ways.index(way))
        if key not in self._named:
            wanted = f"to_{self._names[way.target]}"
            self._named[key] = self._new(wanted, way.condition or way.label, "return False", "activation")
        return self._named[key]

    # -- methods

    def _moment(self, element: Element) -> str:
        detail = element.detail.rpartition("/")[2] if element.detail.startswith("R") else element.detail
        span = _span(detail)
        return span or f"this.{self._method(element, 'moment', detail, 'return dt.timedelta(days=1)')}"

    def _method(
        self, element: Element, word: str, todo: str, body: str = "...", given: str = "activation"
    ) -> str:
        key = word, element.id
        if key not in self._named:
            host = self._names.get(element.id) or self._names.get(element.host, "event")
            self._named[key] = self._new(f"{word}_{host}", todo, body, given)
        return self._named[key]

    def _new(self, wanted: str, todo: str, body: str, given: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        ending = body if body != "..." else "pass"
        self.methods.append(
            f"    def {name}(self, {given}):\n        # TODO: {todo or name.replace('_', ' ')}\n        {ending}"
        )
        return name


def _table(decision: str) -> str:
    """The table of a decision: a file of that name, or the file that our own export names."""
    file, _, named = decision.partition("#")
    if not file.lower().endswith((".csv", ".dmn", ".xml")):
        file, named = f"{decision}.dmn", decision
    return f"flow.DecisionTable({quoted(file)}{f', decision={quoted(named)}' if named else ''})"


def _is_if(element: Element) -> bool:
    return len(element.ways) == 2 and sum(way.is_default for way in element.ways) == 1


def _span(text: str) -> str | None:
    """`P3DT4H` as Python; None for what is no span of weeks, days, hours, minutes and seconds."""
    found = _SPAN.fullmatch(text)
    units = ("weeks", "days", "hours", "minutes", "seconds")
    given = (
        [f"{unit}={int(value)}" for unit, value in zip(units, found.groups(), strict=True) if value]
        if found
        else []
    )
    return f"dt.timedelta({', '.join(given)})" if given else None
