"""A flow as BPMN 2.0 XML."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import SpiffWorkflow.bpmn.parser
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from render_fakes import make_flow
from test_render_layout import flows
from test_render_shapes import KINDS

import portal.flow
from portal import act, this
from portal.render import bpmn
from portal.render.bpmn import ncname
from portal.render.definitions import duration

NS = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "di": "http://www.omg.org/spec/DD/20100524/DC",
    "wp": "http://www.omg.org/spec/DD/20100524/DI",
}
SCHEMA = etree.XMLSchema(file=str(Path(SpiffWorkflow.bpmn.parser.__file__).parent / "schema" / "BPMN20.xsd"))


def exported(flow_class):
    root = etree.fromstring(bpmn(flow_class).encode())
    SCHEMA.assertValid(root)
    return root


def element(root, name):
    return root.xpath(f"//*[@id='node_{name}']", namespaces=NS)[0]


@settings(max_examples=20, deadline=None)
@given(flows())
def test_any_flow_is_valid_against_the_schema(flow_class):
    root = exported(flow_class)
    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))


@settings(max_examples=20, deadline=None)
@given(flows())
def test_everything_is_in_the_diagram_and_lines_touch_what_they_join(flow_class):
    root = exported(flow_class)
    assert_drawn(root)


def assert_drawn(root):
    """Each element of the process has its shape or line; lines begin and end on the borders of shapes."""
    shapes = {
        shape.get("bpmnElement"): shape.find("di:Bounds", NS)
        for shape in root.iter(f"{{{NS['bpmndi']}}}BPMNShape")
    }
    lines = {
        line.get("bpmnElement"): line.findall("wp:waypoint", NS)
        for line in root.iter(f"{{{NS['bpmndi']}}}BPMNEdge")
    }
    elements = [each for each in root.find("bpmn:process", NS) if each.get("id")]
    assert {each.get("id") for each in elements} == shapes.keys() | lines.keys()
    for each in elements:
        if each.get("sourceRef"):
            points = lines[each.get("id")]
            assert touches(points[0], shapes[each.get("sourceRef")])
            assert touches(points[-1], shapes[each.get("targetRef")])


def touches(point, bounds):
    x, y, left, top = (float(place.get(name)) for place in (point, bounds) for name in "xy")
    right, bottom = left + float(bounds.get("width")), top + float(bounds.get("height"))
    inside = left - 0.2 <= x <= right + 0.2 and top - 0.2 <= y <= bottom + 0.2
    return inside and min(abs(x - left), abs(x - right), abs(y - top), abs(y - bottom)) <= 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_valid_and_drawn(kind):
    nodes = {"start": "Start", "task": "View", "it": kind, "end": "End"}
    if kind.endswith("Boundary"):
        nodes["it"] = {"kind": kind, "host": "task"}
    root = exported(make_flow(nodes, [("start", "task"), ("task", "end"), ("it", "end")]))
    assert len(root.xpath("//bpmndi:BPMNShape[@bpmnElement='node_it']", namespaces=NS)) == 1


def test_names_descriptions_conditions_and_defaults():
    nodes = {
        "start": "Start",
        "sw": {"kind": "Switch", "description": "By country"},
        "a": "View",
        "end": "End",
    }
    edges = [("start", "sw"), ("sw", "a", "country == 'DE'", {"kind": "case"}), ("a", "end")]
    edges.append(("sw", "end", "otherwise", {"kind": "default"}))
    root = exported(make_flow(nodes, edges, title="Ship & go", label="ship"))
    assert root.xpath("//bpmn:process/@name", namespaces=NS) == ["Ship & go"]
    assert element(root, "sw").findtext("bpmn:documentation", namespaces=NS) == "By country"
    default = root.xpath(f"//*[@id='{element(root, 'sw').get('default')}']")[0]
    assert (default.get("targetRef"), default.get("name")) == ("node_end", "otherwise")
    way = root.xpath("//bpmn:sequenceFlow[bpmn:conditionExpression]", namespaces=NS)[0]
    assert way.findtext("bpmn:conditionExpression", namespaces=NS) == "country == 'DE'"
    assert way.findtext("bpmn:documentation", namespaces=NS) == "Taken when: country == 'DE'"


def test_boundary_events_are_attached():
    nodes = {
        "task": "View",
        "task__timeout": {
            "kind": "TimeoutBoundary", "host": "task", "interrupting": False, "delay": dt.timedelta(hours=36),
        },
        "end": "End",
    }  # fmt: skip
    event = element(exported(make_flow(nodes, [("task", "end"), ("task__timeout", "end")])), "task__timeout")
    assert (event.get("attachedToRef"), event.get("cancelActivity")) == ("node_task", "false")
    assert event.findtext("bpmn:timerEventDefinition/bpmn:timeDuration", namespaces=NS) == "P1DT12H"


def test_signals_of_one_name_are_one_signal():
    nodes = {
        "a": {"kind": "SignalThrow", "code": "news"},
        "b": {"kind": "SignalCatch", "code": "news"},
        "end": "End",
    }
    root = exported(make_flow(nodes, [("a", "b"), ("b", "end")]))
    signals = root.xpath("bpmn:signal", namespaces=NS)
    assert [signal.get("name") for signal in signals] == ["news"]
    assert set(root.xpath("//@signalRef")) == {signals[0].get("id")}


def test_errors_have_codes_and_messages_names():
    nodes = {"wait": "MessageCatch", "fail": {"kind": "ErrorEnd", "code": "E42"}}
    root = exported(make_flow(nodes, [("wait", "fail")]))
    assert root.xpath("bpmn:error/@errorCode", namespaces=NS) == ["E42"]
    assert root.xpath("bpmn:message/@name", namespaces=NS) == ["Wait"]


class WaitingFlow(portal.flow.Flow):
    """Waiting"""

    start = portal.flow.StartHandle().Next(this.stocked)
    stocked = portal.flow.ConditionalCatch(act.process.data["stock"] > 3).Next(this.later)
    later = portal.flow.Timer(this.next_monday).Next(this.all)
    all = portal.flow.Split().Next(this.a).Next(this.b)
    a = portal.flow.ManualTask().Next(this.enough)
    b = portal.flow.ManualTask().Next(this.enough)
    enough = portal.flow.Join(this.two_are_in).Next(this.end)
    end = portal.flow.End()

    def next_monday(self, activation): ...

    def two_are_in(self, activation, active_tasks): ...


def test_what_is_waited_for_stands_there_as_in_the_code():
    root = exported(WaitingFlow)
    said = {name: root.xpath(f"//bpmn:{name}/text()", namespaces=NS) for name in ("condition", "timeDate")}
    assert said == {"condition": ["data['stock'] > 3"], "timeDate": ["next monday"]}
    assert root.xpath("//bpmn:activationCondition/text()", namespaces=NS) == ["two are in"]


def test_compensation_hangs_on_an_association():
    nodes = {"pay": "Job", "pay__compensation": {"kind": "CompensationBoundary", "host": "pay"}}
    root = exported(
        make_flow(nodes | {"refund": "Job", "end": "End"}, [("pay", "end"), ("pay__compensation", "refund")])
    )
    assert element(root, "refund").get("isForCompensation") == "true"
    association = root.xpath("//bpmn:association", namespaces=NS)[0]
    assert (association.get("sourceRef"), association.get("targetRef")) == (
        "node_pay__compensation",
        "node_refund",
    )
    assert len(root.xpath("//bpmn:sequenceFlow", namespaces=NS)) == 1


@pytest.mark.parametrize(("sequential", "said"), [(True, "true"), (False, "false")])
def test_children_for_each_item_are_multi_instance(sequential, said):
    nodes = {"each": {"kind": "NSubprocess", "sequential": sequential}, "end": "End"}
    root = exported(make_flow(nodes, [("each", "end")]))
    assert root.xpath("//bpmn:multiInstanceLoopCharacteristics/@isSequential", namespaces=NS) == [said]


@given(st.text(min_size=1), st.text(min_size=1))
def test_ids_are_xml_names_and_stay_different(one, other):
    etree.QName(ncname(one))
    assert (ncname(one) == ncname(other)) == (one == other)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (dt.timedelta(days=3), "P3D"),
        (dt.timedelta(minutes=90), "PT1H30M"),
        (dt.timedelta(days=1, seconds=5), "P1DT5S"),
        (dt.timedelta(0), "PT0S"),
    ],
)
def test_durations_are_iso_8601(span, text):
    assert duration(span) == text


def test_several_ways_into_a_split_meet_ahead_of_it():
    nodes = {"start": "Start", "a": "View", "split": "Split", "b": "View", "c": "View", "end": "End"}
    edges = [("start", "split"), ("a", "split"), ("split", "b"), ("split", "c"), ("b", "a"), ("c", "end")]
    root = exported(make_flow(nodes, edges))
    assert root.xpath("//bpmn:sequenceFlow[@targetRef='merge_split']/@sourceRef", namespaces=NS) == [
        "node_start",
        "node_a",
    ]
    assert root.xpath("//bpmn:sequenceFlow[@targetRef='node_split']/@sourceRef", namespaces=NS) == [
        "merge_split"
    ]
    assert len(root.xpath("//bpmndi:BPMNShape[@bpmnElement='merge_split']", namespaces=NS)) == 1


def test_every_way_out_of_a_conditional_split_has_a_condition():
    nodes = {"start": "Start", "split": "Split", "a": "View", "b": "View", "end": "End"}
    edges = [("start", "split"), ("split", "a", "far"), ("split", "b"), ("a", "end"), ("b", "end")]
    root = exported(make_flow(nodes, edges))
    assert root.xpath("//bpmn:conditionExpression/text()", namespaces=NS) == ["far", "true"]


BETWEEN = {
    "nothing but tasks": ({"a": "View"}, [("split", "a"), ("a", "join")], "parallelGateway"),
    "a decision": (
        {"a": "If", "b": "View"},
        [("split", "a"), ("a", "b"), ("a", "join"), ("b", "join")],
        "inclusiveGateway",
    ),
    "a deadline": (
        {"a": "View", "late": {"kind": "TimeoutBoundary", "host": "a"}},
        [("split", "a"), ("a", "join"), ("late", "join")],
        "inclusiveGateway",
    ),
    "a split with a join of its own": (
        {"a": "Split", "b": "View", "c": "View", "in": "Join"},
        [("split", "a"), ("a", "b"), ("a", "c"), ("b", "in"), ("c", "in"), ("in", "join")],
        "parallelGateway",
    ),
    "a merge": (
        {"a": "Split", "b": "View"},
        [("split", "a"), ("a", "b"), ("split", "b"), ("b", "join")],
        "inclusiveGateway",
    ),
}


@pytest.mark.parametrize("between", BETWEEN)
def test_a_join_is_parallel_only_where_every_way_in_is_certain(between):
    nodes, edges, expected = BETWEEN[between]
    nodes = {"start": "Start", "split": "Split", "x": "View", **nodes, "join": "Join", "end": "End"}
    edges = [("start", "split"), ("split", "x"), ("x", "join"), *edges, ("join", "end")]
    assert etree.QName(element(exported(make_flow(nodes, edges)), "join")).localname == expected
