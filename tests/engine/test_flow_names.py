"""The names of flows and their registry."""

from __future__ import annotations

import pytest

from portal import flow, this
from portal.errors import FlowError, PortalError


def nothing(activation): ...


@pytest.mark.parametrize("name", ["check", "run", "cancel", "label", "name"])
def test_names_that_are_free(flow_tester, name):
    made = type(flow.Flow)(
        "FreeFlow",
        (flow.Flow,),
        {
            "start": flow.StartHandle().Next(getattr(this, name)),
            name: flow.Function(nothing).Next(this.end),
            "end": flow.End(),
        },
    )
    run = flow_tester(made)
    run.start()
    assert run.path == ["start", name, "end"]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("HelloWorldFlow", "hello_world"),
        ("HTTPRequestFlow", "http_request"),
        ("Order2ShipFlow", "order2_ship"),
        ("Plain", "plain"),
    ],
)
def test_labels(name, label):
    made = type(flow.Flow)(
        name, (flow.Flow,), {"start": flow.StartHandle().Next(this.end), "end": flow.End()}
    )
    assert made.definition.label == label


def test_two_flows_of_one_label(register):
    def make():
        body = {"start": flow.StartHandle().Next(this.end), "end": flow.End()}
        return type(flow.Flow)("TwinFlow", (flow.Flow,), body)

    register(make())
    with pytest.raises(FlowError, match="twin"):
        register(make())


def test_a_flow_that_is_not_registered_does_not_run(app):
    class UnknownFlow(flow.Flow):
        start = flow.StartHandle().Next(this.end)
        end = flow.End()

    with pytest.raises(PortalError, match="not registered"):
        UnknownFlow.start.run()
