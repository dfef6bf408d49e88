"""A flow as BPMN 2.0 XML with its diagram, for other programs."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from .definitions import Roots, define_event
from .expressions import awaited, condition, items, script
from .geometry import Point
from .layout import Layout, layout
from .merges import lead_in, lead_on, merges, place
from .shapes import Shape, is_boundary, is_handler, shape_of
from .text import Box, printable
from .words import caption, label, notes

_NAMESPACES = {
    "xmlns:bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "xmlns:bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "xmlns:dc": "http://www.omg.org/spec/DD/20100524/DC",
    "xmlns:di": "http://www.omg.org/spec/DD/20100524/DI",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
#: whose engine has the words for a task that programs fetch, and for the decision of a business rule
_CAMUNDA = {"xmlns:camunda": "http://camunda.org/schema/1.0/bpmn"}
#: gateways whose ways out bear conditions
_CONDITIONAL = frozenset({"exclusiveGateway", "inclusiveGateway"})


def bpmn(flow_class: Any) -> str:
    """The flow in BPMN 2.0 XML, valid against the schemas of the OMG.

    Another engine can run it. Conditions and scripts are there by their expressions and names in the flow's
    code; whoever runs it answers them. What a compensation boundary leads to hangs on an association, as in BPMN;
    its own way on is left out.
    """
    definition = flow_class.definition
    plan = layout(flow_class)
    spaces = _NAMESPACES | (_CAMUNDA if _camunda_knows(definition) else {})
    root = ET.Element("bpmn:definitions", {**spaces, "id": f"definitions_{ncname(definition.label)}"})
    root.set("targetNamespace", "urn:flow")
    process = _process(root, definition)
    roots = Roots(root, process)
    edges = list(enumerate(route.edge for route in plan.edges))
    for node in definition.nodes.values():
        _node(process, node, edges, roots)
    for number, edge in edges:
        if _is_flow(edge):
            _sequence_flow(process, number, edge)
    # artifacts come behind all elements of the process
    for number, edge in edges:
        if edge.source.kind == "CompensationBoundary":
            _association(process, number, edge)
    _diagram(root, definition, plan)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _camunda_knows(definition: Any) -> bool:
    return any(node.topic or node.table is not None for node in definition.nodes.values())


def ncname(text: str) -> str:
    """A valid XML name without a colon; different texts stay different."""
    safe = re.sub(r"[^A-Za-z0-9_]", lambda match: f"-{ord(match.group()):x}-", text)
    return safe if re.match(r"[A-Za-z_]", safe) else f"_{safe}"


def node_id(node: Any) -> str:
    return f"node_{ncname(node.name)}"


def process_id(label: str) -> str:
    return f"process_{ncname(label)}"


def _is_flow(edge: Any) -> bool:
    return edge.source.kind != "CompensationBoundary" and not is_handler(edge.source)


def _process(root: ET.Element, definition: Any) -> ET.Element:
    process = ET.SubElement(root, "bpmn:process", id=process_id(definition.label), isExecutable="true")
    process.set("name", printable(definition.title))
    _document(process, definition.description)
    return process


def _document(element: ET.Element, *texts: str) -> None:
    for text in filter(None, texts):
        ET.SubElement(element, "bpmn:documentation").text = printable(text)


# -- nodes and edges --------------------------------------------------------------------------------------


def _node(process: ET.Element, node: Any, edges: list[tuple[int, Any]], roots: Roots) -> None:
    shape = shape_of(node)
    ways = [f"way_{number}" for number, edge in edges if edge.target is node and _is_flow(edge)]
    if merges(node):
        ways = [_merge(process, node, ways)]
    element = ET.SubElement(process, f"bpmn:{shape.element}", id=node_id(node), name=printable(caption(node)))
    _document(element, node.description, _remark(node, shape), "; ".join(notes(node)))
    for way in ways:
        ET.SubElement(element, "bpmn:incoming").text = way
    for number, edge in edges:
        if edge.source is node and _is_flow(edge):
            ET.SubElement(element, "bpmn:outgoing").text = f"way_{number}"
            if edge.kind in ("default", "else") and shape.element in _CONDITIONAL:
                element.set("default", f"way_{number}")
    if shape.form == "gateway":
        _complete_gateway(element, node, shape)
    elif shape.form == "task":
        _complete_task(element, node, shape, roots)
    else:
        if is_boundary(node):
            element.set("attachedToRef", node_id(node.host))
            element.set("cancelActivity", "true" if node.interrupting else "false")
        define_event(element, node, shape, roots)


def _merge(process: ET.Element, node: Any, ways: list[str]) -> str:
    """The small gateway ahead of a split. Returns the id of the way between the two."""
    name = ncname(node.name)
    gateway = ET.SubElement(
        process, "bpmn:exclusiveGateway", id=f"merge_{name}", gatewayDirection="Converging"
    )
    for way in ways:
        ET.SubElement(gateway, "bpmn:incoming").text = way
    ET.SubElement(gateway, "bpmn:outgoing").text = f"merged_{name}"
    on = ET.SubElement(process, "bpmn:sequenceFlow", id=f"merged_{name}", sourceRef=f"merge_{name}")
    on.set("targetRef", node_id(node))
    return f"merged_{name}"


def _remark(node: Any, shape: Shape) -> str:
    """What the drawing alone does not say."""
    if node.kind == "SplitFirst" and shape.element == "complexGateway":
        return "The first branch to finish its first task wins; the others are cancelled."
    if node.kind == "NSubprocess":
        return "One child process for each item."
    return ""


def _complete_gateway(element: ET.Element, node: Any, shape: Shape) -> None:
    diverges, converges = len(node.outgoing) > 1, len(node.incoming) > 1 and not merges(node)
    direction = {(True, True): "Mixed", (True, False): "Diverging", (False, True): "Converging"}
    if shape.element != "eventBasedGateway":
        element.set("gatewayDirection", direction.get((diverges, converges), "Unspecified"))
    elif diverges:
        element.set("gatewayDirection", "Mixed" if converges else "Diverging")
    if node.kind == "Join" and shape.element == "complexGateway":
        count = node.count
        words = awaited(node) if count is None else f"{count} branches are in"
        _formal(element, "activationCondition", words)


def _complete_task(element: ET.Element, node: Any, shape: Shape, roots: Roots) -> None:
    if "compensation" in shape.markers:
        element.set("isForCompensation", "true")
    if shape.element in ("sendTask", "receiveTask"):
        element.set("messageRef", roots.message(node))
    if shape.element == "callActivity" and (child := _child_label(node)):
        element.set("calledElement", process_id(child))
    if node.topic:
        element.set("camunda:type", "external")
        element.set("camunda:topic", printable(node.topic))
    if node.table is not None:
        element.set("camunda:decisionRef", printable(_decision(node)))
    if node.kind == "NSubprocess":
        kind = "true" if node.sequential else "false"
        loop = ET.SubElement(element, "bpmn:multiInstanceLoopCharacteristics", isSequential=kind)
        _formal(loop, "loopCardinality", items(node))
    if shape.element == "scriptTask":
        element.set("scriptFormat", "text/x-python")
        ET.SubElement(element, "bpmn:script").text = printable(script(node))


def _decision(node: Any) -> str:
    """What a business rule decides by: the decision that its file is called after, or the file and a decision in it."""
    file = str(node.file)
    if node.decision and file == f"{node.decision}.dmn":
        return str(node.decision)
    return f"{file}#{node.decision}" if node.decision else file


def _child_label(node: Any) -> str:
    """The label of the flow that a subprocess starts; of a start of its own class too."""
    return "" if node.start is None else str(node.start_node().flow_class.definition.label)


def _sequence_flow(process: ET.Element, number: int, edge: Any) -> None:
    flow = ET.SubElement(process, "bpmn:sequenceFlow", id=f"way_{number}")
    flow.set("sourceRef", node_id(edge.source))
    flow.set(
        "targetRef", f"merge_{ncname(edge.target.name)}" if merges(edge.target) else node_id(edge.target)
    )
    if words := label(edge):
        flow.set("name", printable(words))
    conditional = shape_of(edge.source).element in _CONDITIONAL and edge.kind not in ("default", "else")
    asked = condition(edge) if conditional else ""
    _document(
        flow,
        f"Taken when: {asked}" if asked and asked != "true" else "",
        "One token for each item of a data source." if edge.multiple else "",
    )
    if asked:
        _formal(flow, "conditionExpression", asked)


def _formal(element: ET.Element, name: str, words: str) -> None:
    """An expression. Its language is that of the flow's code."""
    made = ET.SubElement(element, f"bpmn:{name}", {"xsi:type": "bpmn:tFormalExpression"})
    made.text = printable(words)


def _association(process: ET.Element, number: int, edge: Any) -> None:
    association = ET.SubElement(process, "bpmn:association", id=f"way_{number}", associationDirection="One")
    association.set("sourceRef", node_id(edge.source))
    association.set("targetRef", node_id(edge.target))


# -- the diagram ------------------------------------------------------------------------------------------


def _diagram(root: ET.Element, definition: Any, plan: Layout) -> None:
    diagram = ET.SubElement(root, "bpmndi:BPMNDiagram", id="diagram", name=printable(definition.title))
    plane = ET.SubElement(diagram, "bpmndi:BPMNPlane", id="plane", bpmnElement=process_id(definition.label))
    for node in definition.nodes.values():
        shape = shape_of(node)
        drawn = ET.SubElement(
            plane, "bpmndi:BPMNShape", id=f"shape_{ncname(node.name)}", bpmnElement=node_id(node)
        )
        if shape.element == "exclusiveGateway":
            drawn.set("isMarkerVisible", "true")
        _bounds(drawn, plan.boxes[node.name])
        if shape.form != "task":
            _bounds(ET.SubElement(drawn, "bpmndi:BPMNLabel"), plan.titles[node.name].box)
        if merges(node):
            _merge_diagram(plane, ncname(node.name), plan.boxes[node.name])
    for number, route in enumerate(plan.edges):
        if not _is_flow(route.edge) and route.edge.source.kind != "CompensationBoundary":
            continue
        target = route.edge.target
        points = lead_in(route.points, plan.boxes[target.name]) if merges(target) else route.points
        line = _line(plane, f"line_{number}", f"way_{number}", points)
        if route.label:
            _bounds(ET.SubElement(line, "bpmndi:BPMNLabel"), route.label.box)


def _merge_diagram(plane: ET.Element, name: str, split: Box) -> None:
    drawn = ET.SubElement(plane, "bpmndi:BPMNShape", id=f"shape_merge_{name}", bpmnElement=f"merge_{name}")
    _bounds(drawn, place(split))
    _line(plane, f"line_merged_{name}", f"merged_{name}", lead_on(split))


def _line(plane: ET.Element, name: str, element: str, points: tuple[Point, ...]) -> ET.Element:
    line = ET.SubElement(plane, "bpmndi:BPMNEdge", id=name, bpmnElement=element)
    for x, y in points:
        ET.SubElement(line, "di:waypoint", x=f"{x:.1f}", y=f"{y:.1f}")
    return line


def _bounds(element: ET.Element, box: Box) -> None:
    places = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    ET.SubElement(element, "dc:Bounds", {name: f"{value:.1f}" for name, value in places.items()})
