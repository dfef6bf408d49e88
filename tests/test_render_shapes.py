"""Every kind of node has a shape, a word and a BPMN element."""

from __future__ import annotations

import re

import pytest
from render_fakes import make_flow

import portal.flow
from portal.render.shapes import SHAPES, shape_of
from portal.render.symbols import SYMBOLS

KINDS = [
    "Start",
    "StartHandle",
    "StartTimer",
    "View",
    "ManualTask",
    "Function",
    "SendHandle",
    "BusinessRule",
    "DecisionTable",
    "MessageThrow",
    "Handle",
    "MessageCatch",
    "Job",
    "ExternalTask",
    "Timer",
    "If",
    "Switch",
    "Split",
    "SplitFirst",
    "Join",
    "Subprocess",
    "NSubprocess",
    "End",
    "TerminateEnd",
    "ErrorEnd",
    "SignalCatch",
    "SignalThrow",
    "EscalationThrow",
    "ConditionalCatch",
    "CancelRegion",
    "CompensateThrow",
    "TimeoutBoundary",
    "MessageBoundary",
    "SignalBoundary",
    "ErrorBoundary",
    "EscalationBoundary",
    "CompensationBoundary",
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_shape(kind):
    shape = SHAPES[kind]
    assert shape.form in ("task", "event", "gateway")
    assert shape.word
    assert shape.symbol == "" or shape.symbol in SYMBOLS
    assert all(f"marker-{marker}" in SYMBOLS for marker in shape.markers)


def test_every_word_of_the_language_has_a_shape():
    words = vars(portal.flow).values()
    kinds = {word.__name__ for word in words if isinstance(word, type) and issubclass(word, portal.flow.Node)}
    assert kinds - {"Node"} <= SHAPES.keys()


@pytest.mark.parametrize("name", SYMBOLS)
def test_symbols_are_path_data(name):
    assert re.fullmatch(r"M[-MmLlHhVvCcSsAaZz0-9. ]+", SYMBOLS[name])


def shape_in(nodes, edges, name):
    return shape_of(make_flow(nodes, edges).definition.nodes[name])


@pytest.mark.parametrize(
    ("label", "multiple", "element"),
    [
        ("", False, "parallelGateway"),
        ("amount > 9", False, "inclusiveGateway"),
        ("", True, "inclusiveGateway"),
    ],
)
def test_a_split_with_cases_or_items_and_its_join_are_inclusive(label, multiple, element):
    nodes = {"start": "Start", "split": "Split", "a": "View", "b": "View", "join": "Join", "end": "End"}
    edges = [("start", "split"), ("split", "a", label, {"multiple": multiple}), ("split", "b")]
    edges += [("a", "join"), ("b", "join"), ("join", "end")]
    assert shape_in(nodes, edges, "split").element == element
    assert shape_in(nodes, edges, "join").element == element


def test_a_join_with_a_condition_is_complex():
    nodes = {"start": "Start", "join": {"kind": "Join", "continue_on_condition": len}, "end": "End"}
    assert shape_in(nodes, [("start", "join"), ("join", "end")], "join").element == "complexGateway"


@pytest.mark.parametrize(("kind", "element"), [("Timer", "eventBasedGateway"), ("View", "complexGateway")])
def test_a_race_is_event_based_only_before_events(kind, element):
    nodes = {"start": "Start", "race": "SplitFirst", "a": "MessageCatch", "b": kind, "end": "End"}
    edges = [("start", "race"), ("race", "a"), ("race", "b"), ("a", "end"), ("b", "end")]
    assert shape_in(nodes, edges, "race").element == element


@pytest.mark.parametrize(("sequential", "marker"), [(False, "parallel"), (True, "sequential")])
def test_children_for_each_item_are_marked(sequential, marker):
    nodes = {"each": {"kind": "NSubprocess", "sequential": sequential}}
    assert marker in shape_in(nodes, [], "each").markers


def test_what_takes_a_step_back_is_marked():
    nodes = {
        "pay": "Function",
        "pay__compensation": {"kind": "CompensationBoundary", "host": "pay"},
        "refund": "Job",
    }
    assert shape_in(nodes, [("pay__compensation", "refund")], "refund").markers == ("compensation",)


def test_an_event_with_boundary_events_becomes_a_task():
    nodes = {
        "wait": "MessageCatch",
        "wait__timeout": {"kind": "TimeoutBoundary", "host": "wait"},
        "end": "End",
    }
    shape = shape_in(nodes, [("wait", "end"), ("wait__timeout", "end")], "wait")
    assert (shape.form, shape.element) == ("task", "receiveTask")


def test_an_authors_own_kind_is_drawn_like_its_base():
    class Approval(portal.flow.ManualTask):
        pass

    node = Approval()
    node.flow_class = make_flow({}, [])
    assert shape_of(node).element == "manualTask"
