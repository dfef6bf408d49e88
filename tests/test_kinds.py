"""Each kind of node is drawn, exported, explained and used in an example: a new kind that lacks one fails here."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from test_render_shapes import KINDS as DRAWN

import flows as examples
from portal import flow
from portal.flow import boundary
from portal.render.shapes import SHAPES

ROOT = Path(__file__).parent.parent
#: the words of the language that are nodes
WORDS = [
    name
    for name in flow.__all__
    if isinstance(each := getattr(flow, name), type) and issubclass(each, flow.Node) and each is not flow.Node
]
#: the boundary events, by the modifier that an author writes for each
MODIFIERS = {
    "TimeoutBoundary": "OnTimeout",
    "MessageBoundary": "OnMessage",
    "SignalBoundary": "OnSignal",
    "ErrorBoundary": "OnError",
    "EscalationBoundary": "OnEscalation",
    "CompensationBoundary": "CompensateWith",
}
KINDS = [*WORDS, *MODIFIERS]

#: what the contract says of nodes and modifiers
MODIFIER_WORDS = [
    "Permission", "Available", "Assign", "onCreate", "Due", "Priority", "NotSameAs", "Annotation", "Next", "Then",
    "Else", "Case", "Default", "Always", "undo_func", "task_data", "task_seed", "task_data_source", "task_seed_source",
    "continue_on_condition", "cancel_active", "retries", "backoff", "timeout", "progress", "sequential",
    "interrupting",
]  # fmt: skip


def used() -> set[str]:
    kinds = set()
    for module in pkgutil.iter_modules(examples.__path__):
        for each in vars(importlib.import_module(f"flows.{module.name}")).values():
            if isinstance(each, type) and issubclass(each, flow.Flow) and each is not flow.Flow:
                kinds |= {node.kind for node in each.definition.nodes.values()}
    return kinds


USED = used()
GUIDE = (ROOT / "docs" / "flows.md").read_text("utf-8")
HEADINGS = set(re.findall(r"^### (.+)$", GUIDE, re.MULTILINE))


def test_all_boundary_events_are_here():
    found = {each.__name__ for each in vars(boundary).values() if isinstance(each, type)}
    assert {name for name in found if name.endswith("Boundary")} - {"Boundary", "NamedBoundary"} == set(
        MODIFIERS
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_a_shape_and_a_word(kind):
    assert kind in SHAPES
    assert SHAPES[kind].word


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_tested_as_an_element_of_bpmn(kind):
    assert kind in DRAWN


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_a_section_in_the_guide(kind):
    assert MODIFIERS.get(kind, kind) in HEADINGS


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_used_in_an_example(kind):
    assert kind in USED


@pytest.mark.parametrize("word", MODIFIER_WORDS)
def test_the_guide_explains_every_word_of_a_node(word):
    assert re.search(rf"\b{word}\b", GUIDE)


def test_no_shape_without_a_kind():
    assert set(SHAPES) == set(KINDS)
