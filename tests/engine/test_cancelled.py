"""What is cancelled with something else: once, wholly, and nothing besides."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from portal import flow, this
from portal.models import Event, Task, db


class RaceWithDeadlineFlow(flow.Flow):
    start = flow.StartHandle().Next(this.race)
    race = flow.SplitFirst().Next(this.slow).Next(this.fast)
    slow = flow.ManualTask().OnTimeout(dt.timedelta(days=1), this.end).Next(this.end)
    fast = flow.ManualTask().Next(this.end)
    end = flow.End()


def states_of(run, name):
    query = select(Event.to_state).join(Task, Task.id == Event.task_id).order_by(Event.id)
    return list(db.session.scalars(query.where(Task.flow_task == name, Task.process_id == run.process.id)))


def test_the_deadline_of_a_loser_is_cancelled_once(flow_tester):
    run = flow_tester(RaceWithDeadlineFlow)
    run.start()
    run.task("fast").assign("alice").execute()
    assert states_of(run, "slow") == ["NEW", "CANCELED"]
    assert states_of(run, "slow__timeout") == ["SCHEDULED", "CANCELED"]


class FailingFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.wait).Next(this.broken)
    wait = flow.ManualTask().Next(this.end)
    broken = flow.ErrorEnd("broken")
    end = flow.End()


class TwoFailingFlow(flow.Flow):
    start = flow.StartHandle().Next(this.both)
    both = flow.NSubprocess(FailingFlow.start, [1, 2]).Next(this.end)
    end = flow.End()


def test_a_child_that_is_cancelled_before_its_first_step_does_not_begin(flow_tester):
    flow_tester(FailingFlow)
    run = flow_tester(TwoFailingFlow)
    run.start()
    first, second = run.children("both")
    assert (first.process.status, second.process.status) == ("FAILED", "CANCELED")
    assert states_of(second, "start") == ["CANCELED"]
    assert second.tasks("split") == []
