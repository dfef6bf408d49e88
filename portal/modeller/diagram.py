"""Reads a BPMN 2.0 file as a graph of what a flow can be made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from portal.errors import PortalError

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
#: what a token can be at
_NODES = frozenset(
    {
        *("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"),
        *("task", "userTask", "manualTask", "scriptTask", "serviceTask", "sendTask", "receiveTask"),
        *("businessRuleTask", "callActivity", "subProcess", "transaction", "adHocSubProcess"),
        *("exclusiveGateway", "inclusiveGateway", "parallelGateway", "complexGateway", "eventBasedGateway"),
    }
)
#: where a reference to something beside the process stands, and which of its attributes names it
_REFERENCES = {
    "messageRef": "name",
    "signalRef": "name",
    "errorRef": "errorCode",
    "escalationRef": "escalationCode",
}


@dataclasses.dataclass
class Line:
    """A way from one element to another."""

    source: str
    target: str
    label: str = ""
    condition: str = ""
    is_default: bool = False


@dataclasses.dataclass
class Element:
    """Something that a token can be at.

    Attributes:
        kind: the name of its XML element: `userTask`.
        event: what it waits for or throws: `timer`, `message` …; empty for none.
        detail: of an event: its moment, its name or code, its condition; of a gateway: when it goes on.
        host: the task that it sits on.
        interrupting: whether it ends that task.
        called: the id of the process that it calls.
        loop: `parallel` or `sequential` for one that is done for each of several items.
        compensates: whether it takes another one back.
    """

    id: str
    kind: str
    name: str = ""
    text: str = ""
    event: str = ""
    detail: str = ""
    host: str = ""
    interrupting: bool = True
    called: str = ""
    loop: str = ""
    compensates: bool = False
    #: of a task that programs fetch
    topic: str = ""
    #: of a business rule task: the decision, or the file of a table that our own export names
    decision: str = ""
    ways: list[Line] = dataclasses.field(default_factory=list)
    ways_in: list[Line] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Diagram:
    """One process of a file."""

    id: str
    name: str
    text: str
    elements: dict[str, Element]

    def boundaries(self, host: Element) -> list[Element]:
        return [each for each in self.elements.values() if each.host == host.id]


def read(source: str) -> list[Diagram]:
    """The processes of a BPMN 2.0 file that have something in them.

    Gateways that only bring ways together, and choose none, are taken out: ways of a flow meet where they lead.

    Raises:
        PortalError: it is no BPMN, or has no process.
    """
    try:
        root = ET.fromstring(source)
    except ET.ParseError as error:
        raise PortalError(f"it is no XML: {error}") from error
    if root.tag != f"{BPMN}definitions":
        raise PortalError(f"it is no BPMN 2.0: its first element is {root.tag}")
    named = {each.get("id", ""): each for each in root}
    found = [_diagram(process, named) for process in root.iter(f"{BPMN}process")]
    diagrams = [diagram for diagram in found if diagram.elements]
    if not diagrams:
        raise PortalError("it has no process with anything in it")
    return diagrams


def _diagram(process: ET.Element, named: dict[str, ET.Element]) -> Diagram:
    elements = {
        each.get("id", ""): _element(each, named) for each in process if each.tag.removeprefix(BPMN) in _NODES
    }
    defaults = {each.get("default") for each in process}
    for each in process:
        kind, source, target = (
            each.tag.removeprefix(BPMN),
            each.get("sourceRef", ""),
            each.get("targetRef", ""),
        )
        leads = kind == "sequenceFlow" or (
            kind == "association" and elements.get(source, _NONE).event == "compensate"
        )
        if leads and source in elements and target in elements:
            line = Line(source, target, _words(each.get("name")), _text(each, "conditionExpression"))
            line.is_default = each.get("id") in defaults
            elements[source].ways.append(line)
            elements[target].ways_in.append(line)
    diagram = Diagram(
        process.get("id", "process"), _words(process.get("name")), _text(process, "documentation"), elements
    )
    for merge in [each for each in elements.values() if _only_merges(each)]:
        _take_out(diagram, merge)
    return diagram


def _element(found: ET.Element, named: dict[str, ET.Element]) -> Element:
    made = Element(
        found.get("id", ""),
        found.tag.removeprefix(BPMN),
        _words(found.get("name")),
        _text(found, "documentation"),
    )
    if found.get(f"{CAMUNDA}type") == "external":
        made.topic = found.get(f"{CAMUNDA}topic", "")
    called = found.find(f".//{ZEEBE}calledDecision")
    made.decision = found.get(f"{CAMUNDA}decisionRef", "") if called is None else called.get("decisionId", "")
    made.host = found.get("attachedToRef", "")
    made.interrupting = found.get("cancelActivity", "true") != "false"
    made.called = found.get("calledElement", "")
    made.compensates = found.get("isForCompensation") == "true"
    made.detail = _text(found, "activationCondition")
    for child in found:
        tag = child.tag.removeprefix(BPMN)
        if tag.endswith("EventDefinition"):
            made.event, made.detail = tag.removesuffix("EventDefinition"), _detail(child, named)
        elif tag == "multiInstanceLoopCharacteristics":
            made.loop = "sequential" if child.get("isSequential") == "true" else "parallel"
    return made


def _detail(definition: ET.Element, named: dict[str, ET.Element]) -> str:
    """The moment, the condition, or the name of what an event refers to."""
    for reference, attribute in _REFERENCES.items():
        target = named.get(definition.get(reference, ""))
        if target is not None:
            return _words(target.get(attribute) or target.get("name"))
    return next((_words(child.text) for child in definition if child.text and child.text.strip()), "")


def _only_merges(element: Element) -> bool:
    return (
        element.kind == "exclusiveGateway" and len(element.ways) == 1 and element.ways[0].target != element.id
    )


def _take_out(diagram: Diagram, merge: Element) -> None:
    """Lead what leads to an element to where it leads itself."""
    (way,) = merge.ways
    target = diagram.elements[way.target]
    target.ways_in.remove(way)
    for line in merge.ways_in:
        line.target = target.id
        target.ways_in.append(line)
    del diagram.elements[merge.id]


def _text(element: ET.Element, name: str) -> str:
    return " ".join(filter(None, (_words(each.text) for each in _named(element, name))))


def _named(element: ET.Element, name: str) -> Iterator[ET.Element]:
    yield from element.findall(f"{BPMN}{name}")


def _words(text: str | None) -> str:
    return " ".join((text or "").split())


_NONE = Element("", "")
