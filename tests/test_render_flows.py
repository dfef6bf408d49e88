"""The flows that come along, as pictures, as words and as BPMN."""

from __future__ import annotations

import importlib
import pkgutil
import time
from xml.etree import ElementTree as ET

import pytest
from test_render_bpmn import exported

import flows
from portal.flow import Flow
from portal.render import steps, svg
from portal.render.geometry import meets, segments
from portal.render.layout import place
from portal.render.shapes import is_boundary

MODULES = [importlib.import_module(f"flows.{module.name}") for module in pkgutil.iter_modules(flows.__path__)]
FLOWS = [
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, Flow) and value.__module__ == module.__name__
]


@pytest.mark.parametrize("flow_class", FLOWS)
def test_every_node_is_drawn_told_and_exported(flow_class):
    names = set(flow_class._definition.nodes)
    drawn = {element.get("data-node") for element in ET.fromstring(svg(flow_class)).iter()} - {None}
    assert drawn == names
    assert {step.name for step in steps(flow_class)} == names
    ids = set(exported(flow_class).xpath("//@id"))
    assert {f"node_{name}" for name in names} <= ids


@pytest.mark.parametrize("flow_class", FLOWS)
def test_a_layout_takes_a_moment_only(flow_class):
    took = []
    for _ in range(3):
        began = time.process_time()
        place(flow_class._definition)
        took.append(time.process_time() - began)
    assert min(took) < 0.1


@pytest.mark.parametrize("flow_class", FLOWS)
def test_the_way_of_a_boundary_event_never_runs_behind_its_host(flow_class):
    plan = place(flow_class._definition)
    for route in plan.edges:
        if is_boundary(route.edge.source):
            host = plan.boxes[route.edge.source.host.name]
            assert not any(meets(host, line, -1) for line in segments(route.points))
