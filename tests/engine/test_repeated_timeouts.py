"""A timeout that fires again and again while its task is open."""

from __future__ import annotations

import datetime as dt
from xml.etree import ElementTree

import pytest

from portal import flow, render, this
from portal.errors import FlowError
from portal.render.words import caption

DAY = dt.timedelta(days=1)


def nag(delay, **options):
    class NagFlow(flow.Flow):
        start = flow.StartHandle().Next(this.ask)
        ask = (
            flow.ManualTask()
            .OnTimeout(delay, this.remind, **{"interrupting": False} | options)
            .Next(this.end)
        )
        remind = flow.Function(lambda activation: None).Next(this.reminded)
        reminded = flow.End()
        end = flow.End()

    return NagFlow


@pytest.mark.parametrize(
    ("repeat", "days", "times"),
    [(None, 9, 1), (1, 9, 1), (3, 2, 2), (3, 9, 3), (2 * DAY, 9, 5), (DAY / 2, 2, 3)],
)
def test_it_fires_as_often_as_it_says(flow_tester, repeat, days, times):
    run = flow_tester(nag(DAY, repeat=repeat))
    run.start("start")
    run.advance(days=days)
    assert run.path.count("remind") == times
    assert run.path.count("ask__timeout") == times
    run.task("ask").assign("ann").execute()
    assert run.process.status == "DONE"
    run.advance(days=9)
    assert run.path.count("remind") == times


def test_a_delay_of_working_time_repeats(flow_tester):
    run = flow_tester(nag(flow.working(days=1), repeat=3))
    run.start("start")
    first = run.tasks("ask__timeout")[0].scheduled
    run.advance(days=5)
    second = [task.scheduled for task in run.tasks("ask__timeout")][1]
    assert second == flow.registry.current.calendar.after(first, flow.working(days=1))


def test_it_waits_over_the_weekend(flow_tester, time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 27, 15, tzinfo=dt.UTC))  # a Friday
    run = flow_tester(nag(DAY / 24, repeat=flow.working(days=1)))
    run.start("start")
    fired = []
    for _ in range(4):
        run.advance(days=1, seconds=1)
        fired.append(run.path.count("remind"))
    assert fired == [1, 1, 1, 2]  # on Friday and on Monday at four


def test_what_was_missed_is_made_up_once(flow_tester, time_machine):
    run = flow_tester(nag(DAY, repeat=DAY))
    run.start("start")
    run.process.suspend()
    run.advance(days=6, hours=12)
    run.process.resume()
    run.advance(seconds=1)
    assert run.path.count("remind") == 1
    run.advance(days=1)
    assert run.path.count("remind") == 2


@pytest.mark.parametrize(
    ("delay", "options", "mend"),
    [
        (DAY, {"repeat": DAY, "interrupting": True}, "interrupting=False"),
        (DAY, {"repeat": 0}, "how often"),
        (DAY, {"repeat": True}, "how often"),
        (DAY, {"repeat": "P1D"}, "how often"),
        (DAY, {"repeat": -DAY}, "a span of time"),
        (lambda activation: DAY, {"repeat": 3}, "say repeat=timedelta"),
        (dt.datetime(2030, 1, 1, tzinfo=dt.UTC), {"repeat": 3}, "say repeat=timedelta"),
    ],
)
def test_what_cannot_repeat_is_refused(delay, options, mend):
    with pytest.raises(FlowError, match=mend):
        nag(delay, **options)


@pytest.mark.parametrize(
    ("repeat", "words"),
    [
        (None, "After 1 day"),
        (1, "After 1 day"),
        (3, "After 1 day, 3 times, every 1 day"),
        (2 * DAY, "After 1 day, then every 2 days"),
        (flow.working(days=1), "After 1 day, then every 1 working day"),
    ],
)
def test_the_picture_says_that_it_repeats(repeat, words):
    assert caption(nag(DAY, repeat=repeat).definition.nodes["ask__timeout"]) == words


@pytest.mark.parametrize(
    ("repeat", "cycle"), [(3, "R3/P1D"), (DAY / 2, "R/PT12H"), (flow.working(1), "R/P1D"), (None, None)]
)
def test_in_bpmn_it_is_a_cycle(repeat, cycle):
    root = ElementTree.fromstring(render.bpmn(nag(DAY, repeat=repeat)))
    found = [each.text for each in root.iter() if each.tag.endswith("timeCycle")]
    assert found == ([cycle] if cycle else [])
