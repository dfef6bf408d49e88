"""A flow as a list of steps."""

from __future__ import annotations

import datetime as dt

import pytest
from render_fakes import make_flow

from portal import flow, this
from portal.render import ChartState, bpmn, steps, svg
from portal.render.words import span

FLOW = make_flow(
    {
        "end": "End",
        "start": "Start",
        "send": "Job",
        "approve": "View",
        "approve__timeout": {"kind": "TimeoutBoundary", "host": "approve", "delay": dt.timedelta(days=3)},
        "check": "Switch",
    },
    [
        ("start", "approve"),
        ("approve", "check"),
        ("check", "send", "amount > 9"),
        ("check", "approve", "otherwise"),
        ("send", "end"),
        ("approve__timeout", "end"),
    ],
)


def test_steps_come_in_reading_order_boundaries_behind_their_hosts():
    assert [step.name for step in steps(FLOW)] == [
        "start",
        "approve",
        "approve__timeout",
        "check",
        "send",
        "end",
    ]


def test_each_branch_is_read_to_its_end_before_the_next_its_exceptions_last():
    nodes = {"start": "Start", "split": "Split", "end": "End", "late": "View"}
    edges = [("start", "split"), ("join", "end"), ("late", "end")]
    for name in "ab":
        nodes |= {f"{name}1": "View", f"{name}2": "View"}
        edges += [("split", f"{name}1"), (f"{name}1", f"{name}2"), (f"{name}2", "join")]
    nodes |= {"join": "Join", "a1__timeout": {"kind": "TimeoutBoundary", "host": "a1"}}
    flow_class = make_flow(nodes, [*edges, ("a1__timeout", "late")])
    found = [step.name for step in steps(flow_class)]
    assert found == ["start", "split", "a1", "a1__timeout", "a2", "late", "b1", "b2", "join", "end"]


def test_a_step_says_what_it_is_and_where_it_leads_when():
    check = next(step for step in steps(FLOW) if step.name == "check")
    assert (check.kind, check.title) == ("Decision", "Check")
    assert [(way.condition, way.title) for way in check.ways] == [
        ("amount > 9", "Send"),
        ("otherwise", "Approve"),
    ]


def test_a_boundary_event_says_when_and_for_what():
    timeout = next(step for step in steps(FLOW) if step.host)
    assert (timeout.title, timeout.host, timeout.interrupting) == ("After 3 days", "Approve", True)


def test_states_are_words():
    state = ChartState(
        done={"approve": 1}, failed={"send": 2}, current={"send": 1}, passed=frozenset({("start", "approve")})
    )
    found = {step.name: step for step in steps(FLOW, state)}
    assert found["approve"].words == "Done"
    assert (found["send"].state, found["send"].words) == ("failed", "2 failed, 1 open")
    assert found["end"].words == "Not reached"
    assert [way.passed for way in found["start"].ways] == [True]


@pytest.mark.parametrize(
    ("delay", "words"),
    [
        (dt.timedelta(days=3), "3 days"),
        (dt.timedelta(hours=1, minutes=30), "1 hour 30 minutes"),
        (dt.timedelta(weeks=2), "2 weeks"),
        (dt.timedelta(days=10), "10 days"),
        (dt.timedelta(0), "At once"),
    ],
)
def test_spans_in_words(delay, words):
    assert span(delay) == words


class SmallPrintFlow(flow.Flow):
    """Small print

    What no shape says."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.till).Next(this.seat).Next(this.stop)
    till = flow.ManualTask().Mutex("cash").Next(this.two)
    seat = flow.ManualTask().Milestone(this.at_gate).Next(this.two)
    stop = flow.CancelRegion(this.till, this.seat).Next(this.two)
    two = flow.Join(count=2, cancel_active=False, blocking=True).Next(this.again)
    again = flow.Split().Next(this.one, task_data_source=this.items)
    one = flow.ManualTask().Next(this.first)
    first = flow.Join(count=1).Next(this.last)
    last = flow.Split().Next(this.two_more, task_data_source=this.items)
    two_more = flow.ManualTask().Next(this.done)
    done = flow.Join(continue_on_condition=this.is_enough).Next(this.end)
    end = flow.End()

    def at_gate(self, activation): ...

    def items(self, activation): ...

    def is_enough(self, activation, active_tasks): ...


NOTES = {
    "till": ("one at a time: cash",),
    "seat": ("only while: at gate",),
    "stop": ("cancels Till, Seat",),
    "two": ("2 are enough", "the rest goes on", "one round at a time"),
    "first": ("the first is enough", "the rest is cancelled"),
    "done": ("or when: is enough", "the rest is cancelled"),
}


def test_what_no_shape_says_is_told_in_words():
    found = {step.name: step.notes for step in steps(SmallPrintFlow) if step.notes}
    assert found == NOTES


def test_what_no_shape_says_stands_in_the_picture_and_in_the_export():
    drawn, exported = svg(SmallPrintFlow), bpmn(SmallPrintFlow)
    for notes in NOTES.values():
        assert all(f">{note}</text>" in drawn for note in notes)
        assert f"<bpmn:documentation>{'; '.join(notes)}</bpmn:documentation>" in exported
