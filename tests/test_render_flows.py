"""The flows that come along, as pictures, as words and as BPMN."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import pkgutil
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from test_render_bpmn import assert_drawn, exported
from test_render_layout import crossings

import flows
from portal.flow import Flow
from portal.render import steps, svg
from portal.render.geometry import meets, runs_along, segments
from portal.render.layout import place
from portal.render.shapes import is_boundary

ROOT = Path(__file__).parent.parent
MODULES = [importlib.import_module(f"flows.{module.name}") for module in pkgutil.iter_modules(flows.__path__)]
FLOWS = [
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, Flow) and value.__module__ == module.__name__
]


def _patterns():
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["pictures"] = module
    spec.loader.exec_module(module)
    return [pattern.flow_class for pattern in module.patterns()]


PATTERNS = _patterns()


@pytest.mark.parametrize("flow_class", [*FLOWS, *PATTERNS])
def test_every_node_is_drawn_told_and_exported(flow_class):
    names = set(flow_class.definition.nodes)
    drawn = {element.get("data-node") for element in ET.fromstring(svg(flow_class)).iter()} - {None}
    assert drawn == names
    assert {step.name for step in steps(flow_class)} == names
    root = exported(flow_class)
    assert_drawn(root)
    ids = set(root.xpath("//@id"))
    assert {f"node_{name}" for name in names} <= ids


@pytest.mark.parametrize("flow_class", FLOWS)
def test_a_layout_takes_a_moment_only(flow_class):
    took = []
    for _ in range(3):
        began = time.process_time()
        place(flow_class.definition)
        took.append(time.process_time() - began)
    assert min(took) < 0.1


@pytest.mark.parametrize("flow_class", [*FLOWS, *PATTERNS])
def test_lines_neither_cross_nor_run_on_top_of_each_other(flow_class):
    plan = place(flow_class.definition)
    # a cycle with two ways in and two out has no picture without a crossing
    if flow_class.__name__ != "CyclesFlow":
        assert crossings(plan) == []
    for one, other in itertools.combinations(plan.edges, 2):
        if one.edge.source is not other.edge.source and one.edge.target is not other.edge.target:
            lines = itertools.product(segments(one.points), segments(other.points))
            assert not any(runs_along(a, b, 5) for a, b in lines)


@pytest.mark.parametrize("flow_class", FLOWS)
def test_the_way_of_a_boundary_event_never_runs_behind_its_host(flow_class):
    plan = place(flow_class.definition)
    for route in plan.edges:
        if is_boundary(route.edge.source):
            host = plan.boxes[route.edge.source.host.name]
            assert not any(meets(host, line, -1) for line in segments(route.points))
