"""What can never finish is refused when the class is made, with a path that leads into it."""

from __future__ import annotations

import datetime as dt

import pytest

from portal import flow, this
from portal.errors import FlowError
from portal.flow.reachability import Net

DAY = dt.timedelta(days=1)


def yes(activation):
    return True


def made(body):
    nodes = {"start": lambda: flow.StartHandle().Next(this.work), "end": flow.End, **body}
    return type(flow.Flow)("NetFlow", (flow.Flow,), {name: make() for name, make in nodes.items()})


def step(name):
    return lambda: flow.ManualTask().Next(getattr(this, name))


#: the body of the class, the words that the message must have
TRAPS = {
    "a split that starts itself": (
        {"work": lambda: flow.Split().Next(this.a).Next(this.end), "a": step("work")},
        ["NetFlow.work", "start → work → a → work → …", "put an If"],
    ),
    "a branch that never reaches its join": (
        {"work": lambda: flow.Split().Next(this.a).Next(this.join), "a": step("work"),
         "join": lambda: flow.Join().Next(this.end)},
        ["NetFlow.work", "join waits for it"],
    ),
    "an end of all behind the join that waits": (
        {"work": lambda: flow.Split().Next(this.a).Next(this.join), "a": step("work"),
         "join": lambda: flow.Join().Next(this.stop), "stop": flow.TerminateEnd,
         "start": lambda: flow.StartHandle().Next(this.ask),
         "ask": lambda: flow.If(yes).Then(this.work).Else(this.end)},
        ["NetFlow.work", "start → ask → (yes) → work"],
    ),
    "a race into a join": (
        {"work": lambda: flow.SplitFirst().Next(this.join).Next(this.join), "join": lambda: flow.Join().Next(this.end)},
        ["NetFlow.work", "start → work → join: waits"],
    ),
    "a timeout on what is done at once": (
        {"work": lambda: flow.Function(yes).OnTimeout(DAY, this.end).Next(this.work)},
        ["NetFlow.work", "never ends", "start → work → work → …"],
    ),
    "an event whose way leads out only beside its host": (
        {"work": lambda: flow.ManualTask().OnTimeout(DAY, this.end, interrupting=False).Next(this.work)},
        ["NetFlow.work", "start → work → work → …); lead it"],
    ),
    "crossed splits, one of which is joined without the other": (
        {"work": lambda: flow.Split().Next(this.a).Next(this.b), "a": lambda: flow.Split().Next(this.c).Next(this.d),
         "b": step("join"), "c": step("join"), "d": step("last"), "join": lambda: flow.Join().Next(this.last),
         "last": lambda: flow.Join().Next(this.end)},
        ["NetFlow.last", "no two branches of one Split meet at it (start → work → a → d → last)"],
    ),
    "an exclusive choice into a join": (
        {"work": lambda: flow.If(yes).Then(this.a).Else(this.join), "a": step("join"),
         "join": lambda: flow.Join().Next(this.end)},
        ["NetFlow.join", "no split leads", "start → work → (no) → join"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS)
def test_what_can_never_finish_is_refused_with_a_path(trap):
    body, words = TRAPS[trap]
    with pytest.raises(FlowError) as refused:
        made(body)
    for word in words:
        assert word in str(refused.value), str(refused.value)


#: flows that look like traps, and finish
SOUND = {
    "a count that no number of branches reaches": {
        "work": lambda: flow.Split().Next(this.a).Next(this.b), "a": step("join"), "b": step("join"),
        "join": lambda: flow.Join(count=5).Next(this.end)},
    "a branch that leaves for an end": {
        "work": lambda: flow.Split().Next(this.a).Next(this.join),
        "a": lambda: flow.If(yes).Then(this.join).Else(this.end), "join": lambda: flow.Join().Next(this.end)},
    "a loop that another branch terminates": {
        "work": lambda: flow.Split().Next(this.a).Next(this.b), "b": step("stop"), "stop": flow.TerminateEnd,
        "a": lambda: flow.Split().Next(this.a2).Next(this.end), "a2": step("a")},
    "a loop that a join cancels": {
        "work": lambda: flow.Split().Next(this.a).Next(this.join),
        "a": lambda: flow.Split().Next(this.a2).Next(this.end), "a2": step("a"),
        "join": lambda: flow.Join(count=1).Next(this.end)},
    "an endless loop that another branch terminates": {
        "work": lambda: flow.Split().Next(this.a).Next(this.b), "a": step("a2"), "a2": step("a"),
        "b": step("end"), "end": flow.TerminateEnd},
    "reminders until a join goes on": {
        "work": lambda: flow.Split().Next(this.a).Next(this.b), "a": lambda: flow.Timer(DAY).Next(this.a2),
        "a2": step("a"), "b": step("join"), "join": lambda: flow.Join(count=1).Next(this.end)},
    "a side path that ends by itself within a branch": {
        "work": lambda: flow.Split().Next(this.a).Next(this.b), "b": step("join"),
        "a": lambda: flow.Split().Next(this.c).Next(this.d), "c": step("join"), "d": step("end"),
        "join": lambda: flow.Join().Next(this.end)},
    "a loop that goes on by choice": {
        "work": lambda: flow.Split().Next(this.work, case=yes).Next(this.end)},
    "a child that may be its own parent": {
        "work": lambda: flow.If(yes).Then(this.again).Else(this.end),
        "again": lambda: flow.Subprocess(this.start).Next(this.end)},
    "a child of its own whose failure is caught": {
        "work": lambda: flow.Subprocess(this.start).OnError(this.end).Next(this.end)},
    "an event beside its host": {
        "work": lambda: flow.Split().Next(this.a).Next(this.end), "b": step("join"),
        "a": lambda: flow.ManualTask().OnTimeout(DAY, this.b, interrupting=False).Next(this.join),
        "join": lambda: flow.Join().Next(this.end)},
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_what_finishes_is_not_refused(name):
    made(SOUND[name])


@pytest.mark.parametrize("width", [2, 24, 200])
def test_a_node_is_looked_at_a_few_times_however_wide_a_split_is(width):
    def split():
        node = flow.Split()
        for number in range(width):
            node.Next(getattr(this, f"b{number}"))
        return node

    branches = {f"b{number}": step("join") for number in range(width)}
    made_flow = made({"work": split, **branches, "join": lambda: flow.Join().Next(this.end)})
    assert Net(made_flow.definition).visited <= 4 * len(made_flow.definition.nodes)
