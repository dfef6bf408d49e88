"""A flow as a list of steps."""

from __future__ import annotations

import datetime as dt

import pytest
from render_fakes import make_flow

from portal.render import ChartState, steps
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
