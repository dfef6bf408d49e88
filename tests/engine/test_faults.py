"""A wrong flow is an error when its class is made: with the class, the node and the mend."""

from __future__ import annotations

import datetime as dt

import pytest

from portal import act, flow, jsonstore, this, views
from portal.errors import FlowError, PortalError
from portal.models import Process


class FaultProcess(Process):
    text = jsonstore.StringField()


def nothing(activation): ...


END = {"end": flow.End}
START = {"start": lambda: flow.StartHandle().Next(this.work)}
WORK = {"work": lambda: flow.Function(nothing).Next(this.end)}

#: what is wrong, the body of the class, the node, words that the message must have
FAULTS = {
    "unknown node": ({"start": lambda: flow.StartHandle().Next(this.wrok), **WORK, **END}, "start",
                     ["wrok", "this.work"]),
    "unknown method": ({**START, "work": lambda: flow.Function(this.missing).Next(this.end), **END}, "work",
                       ["missing"]),
    "nobody leads to it": ({**START, **WORK, "lone": lambda: flow.Function(nothing).Next(this.end), **END}, "lone",
                           ["nobody leads"]),
    "no way out": ({**START, "work": lambda: flow.Function(nothing), **END}, "work", [".Next("]),
    "never ends": ({**START, "work": lambda: flow.Function(nothing).Next(this.again),
                    "again": lambda: flow.Function(nothing).Next(this.work)}, "work", ["never ends"]),
    "split without branches": ({**START, "work": flow.Split, **END}, "work", ["without branches", ".Next("]),
    "switch without cases": ({**START, "work": lambda: flow.Switch().Default(this.end), **END}, "work",
                             ["without branches", ".Case("]),
    "if without else": ({**START, "work": lambda: flow.If(nothing).Then(this.end), **END}, "work", [".Else("]),
    "if without condition": ({**START, "work": lambda: flow.If(None).Then(this.end).Else(this.end), **END}, "work",
                             ["condition"]),
    "join without split": ({**START, "work": lambda: flow.Join().Next(this.end), **END}, "work", ["no split leads"]),
    "two ways out": ({**START, "work": lambda: flow.Function(nothing).Next(this.end).Next(this.other),
                      "end": flow.End, "other": flow.End}, "work", ["Split"]),
    "no such field": ({"start": lambda: flow.Start(views.CreateProcessView.as_view(fields=["txet"])).Next(this.end),
                       **END}, "start", ["txet", "text"]),
    "a function that is none": ({**START, "work": lambda: flow.Function("nothing").Next(this.end), **END}, "work",
                                ["function"]),
    "naive moment": ({**START, "work": lambda: flow.Timer(dt.datetime(2030, 1, 1)).Next(this.end), **END}, "work",
                     ["time zone"]),
    "a parameter of ours": ({**START, "work": lambda: flow.Handle(lambda a, process: None).Next(this.end), **END},
                            "work", ["`process`", "rename"]),
    "a hidden parameter": ({**START, "work": lambda: flow.Handle(lambda a, _x: None).Next(this.end), **END}, "work",
                           ["`_x`"]),
    "unknown owner": ({**START, "work": lambda: flow.ManualTask().Assign(this.strat.owner).Next(this.end), **END},
                      "work", ["strat"]),
    "a reserved name": ({"start": lambda: flow.StartHandle().Next(this.status), "status": flow.End}, "status",
                        ["ours"]),
    "the name of the definition": ({"start": lambda: flow.StartHandle().Next(this.definition), "definition": flow.End},
                                   "definition", ["ours"]),
    "double underscores": ({"start": lambda: flow.StartHandle().Next(this.a__b), "a__b": flow.End}, "a__b", ["ours"]),
    "an unknown boundary way": ({**START, "work": lambda: flow.Function(nothing).OnError(this.nowhere).Next(this.end),
                                 **END}, "work", ["nowhere"]),
    "an odd error code": ({**START, "work": lambda: flow.Function(nothing).OnError(this.end, code=5).Next(this.end),
                           **END}, "work", ["code"]),
    "negative retries": ({**START, "work": lambda: flow.Job(nothing, retries=-1).Next(this.end), **END}, "work",
                         ["retries"]),
    "unknown not same as": ({**START, "work": lambda: flow.ManualTask().NotSameAs(this.nobody).Next(this.end), **END},
                            "work", ["nobody"]),
    "a priority in words": ({**START, "work": lambda: flow.ManualTask().Priority("high").Next(this.end), **END}, "work",
                            ["Priority", "number"]),
    "due in days": ({**START, "work": lambda: flow.ManualTask().Due(3).Next(this.end), **END}, "work",
                    ["Due", "timedelta"]),
    "a permission that is no name": ({**START, "work": lambda: flow.ManualTask().Permission(nothing).Next(this.end),
                                      **END}, "work", ["Permission", "name"]),
    "available to a name": ({"start": lambda: flow.Start(nothing).Available(5).Next(this.end), **END}, "start",
                            ["Available", "username="]),
    "called on creation": ({**START, "work": lambda: flow.ManualTask().onCreate("x").Next(this.end), **END}, "work",
                           ["onCreate", "function"]),
    "retries in words": ({**START, "work": lambda: flow.Job(nothing, retries="3").Next(this.end), **END}, "work",
                         ["retries"]),
    "a wait in seconds": ({**START, "work": lambda: flow.Job(nothing, backoff=5).Next(this.end), **END}, "work",
                          ["backoff", "timedelta"]),
    "a timeout in seconds": ({**START, "work": lambda: flow.Job(nothing, timeout=5).Next(this.end), **END}, "work",
                             ["timeout", "timedelta"]),
    "items that are none": ({**START, "work": lambda: flow.NSubprocess(this.start, 3).Next(this.end), **END}, "work",
                            ["items", "list"]),
    "a case that is a value": ({**START, "work": lambda: flow.Split().Next(this.end, case=True), **END}, "work",
                               ["True", "lambda"]),
    "data that is a value": ({"start": lambda: flow.StartHandle().Next(this.end, task_data={"a": 1}), **END}, "start",
                             ["'a': 1", "lambda"]),
    "a view without a view": ({**START, "work": lambda: flow.View(None).Next(this.end), **END}, "work", ["view"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_the_class_the_node_and_the_mend(fault):
    body, node, words = FAULTS[fault]
    with pytest.raises(FlowError) as refused:
        type(flow.Flow)(
            "OrderFlow",
            (flow.Flow,),
            {"process_class": FaultProcess, **{n: make() for n, make in body.items()}},
        )
    message = str(refused.value)
    assert f"OrderFlow.{node}" in message
    for word in words:
        assert word in message, message


def test_a_method_that_is_missing_is_guessed_from_methods_alone():
    with pytest.raises(FlowError) as refused:

        class SlipFlow(flow.Flow):
            start = flow.StartHandle(this.take).Next(this.end)
            end = flow.End()

            def check(self, activation): ...

    assert str(refused.value).endswith("there are: check")


def test_no_start():
    with pytest.raises(FlowError, match=r"LoneFlow.*start"):

        class LoneFlow(flow.Flow):
            end = flow.End()


def test_a_second_node_of_the_same_name():
    with pytest.raises(FlowError, match=r"DoubleFlow\.end: a second node of the same name"):

        class DoubleFlow(flow.Flow):
            start = flow.StartHandle().Next(this.end)
            end = flow.End()
            end = flow.End()  # noqa: PIE794


def test_a_process_class_that_is_none():
    with pytest.raises(FlowError, match=r"OddFlow.process_class"):

        class OddFlow(flow.Flow):
            process_class = int
            start = flow.StartHandle().Next(this.end)
            end = flow.End()


@pytest.mark.parametrize("name", ["data", "status", "artifact", "tasks"])
def test_a_field_named_like_something_of_ours(name):
    with pytest.raises(FlowError, match=name):
        type(Process)("OddProcess", (Process,), {name: jsonstore.StringField(), "__module__": __name__})


def test_every_fault_is_told_at_once():
    with pytest.raises(FlowError) as refused:

        class BadFlow(flow.Flow):
            start = flow.StartHandle().Next(this.ask)
            ask = flow.If(act.process.text).Then(this.end)
            lone = flow.Function(nothing).Next(this.end)
            end = flow.End()

    assert "BadFlow.ask" in str(refused.value)
    assert "BadFlow.lone" in str(refused.value)


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
