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
