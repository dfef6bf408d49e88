"""A worker reads of what is due no more than it takes: however many fall due at one moment, however many wait."""

import datetime as dt

import pytest
from sqlalchemy import event

from portal import flow, this
from portal.engine import outbox, permissions
from portal.engine.interpreter import conditions, signals
from portal.engine.queue import due, jobs, reminders, timers
from portal.models import Task, create_user, db

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)

CLAIMS = {
    "timers": lambda session: timers.claim_due(session, NOON, 10),
    "jobs": lambda session: timers.claim_due(session, NOON, 10, works=True),
    "signals": lambda session: signals.claim(session, 10),
    "reminders": lambda session: reminders.turn(session, 10),
    "jobs that are lost": lambda session: jobs.reclaim(session, 10),
    "conditions": lambda session: conditions.ask_due(session, 10),
    "the next moment": lambda session: timers.next_moment(session, NOON),
    "the look of a worker": due.first_moments,
    "mail": lambda session: outbox.claim(session, "mail", 10),
}


class SentFlow(flow.Flow):
    start = flow.StartHandle().Next(this.wait)
    wait = flow.SignalCatch("sent").Next(this.look)
    look = flow.ConditionalCatch(lambda activation: False).Next(this.nap)
    nap = flow.Timer(dt.timedelta(hours=1)).Next(this.work)
    work = flow.Job(lambda activation: None).Next(this.end)
    end = flow.End()


def plan_of(connection, sql, parameters):
    """How the database would answer, a line each; PostgreSQL sorts only where no index gives the order."""
    cursor = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        cursor.execute("EXPLAIN QUERY PLAN " + sql, parameters)
        return [row[3] for row in cursor.fetchall()]
    cursor.execute("SET LOCAL enable_sort = off")
    cursor.execute("EXPLAIN " + sql, parameters)
    return [row[0] for row in cursor.fetchall()]


class TwiceFlow(flow.Flow):
    start = flow.StartHandle().Next(this.one)
    one = flow.ManualTask().Next(this.two)
    two = flow.ManualTask().NotSameAs(this.one).Next(this.end)
    end = flow.End()


def test_who_is_kept_away_from_a_task_is_found_by_its_process_not_by_all_that_they_did(register, session):
    register(TwiceFlow)
    user = create_user("alice")
    process = TwiceFlow.start.run()
    task = next(each for each in process.tasks if each.flow_task == "one")
    asked = []

    def note(_connection, _cursor, sql, parameters, _context, _many):
        asked.append((sql, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        node = TwiceFlow.definition.nodes["two"]
        assert not permissions.has_done_its_counterpart(
            session, user.id, session.get_one(Task, task.id), node
        )
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    with db.engine.connect() as connection:
        plan = "\n".join(plan_of(connection, *asked[-1]))
    if connection.dialect.name == "sqlite":
        assert "process_id=?" in plan, plan
    assert "ix_portal_task_archive" not in plan, plan


@pytest.mark.parametrize("what", CLAIMS)
def test_what_is_due_is_read_in_order_without_sorting_all_of_it(what, register, session):
    register(SentFlow)
    asked = []

    def note(_connection, _cursor, sql, parameters, _context, _many):
        if "ORDER BY" in sql and "FROM portal_schedule" not in sql:  # of which there are few
            asked.append((sql, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        CLAIMS[what](session)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert asked
    with db.engine.connect() as connection:
        for sql, parameters in asked:
            plan = "\n".join(plan_of(connection, sql, parameters))
            assert "Sort" not in plan, plan
            assert "TEMP B-TREE" not in plan, plan
            assert "ix_portal_task_queue" not in plan, plan  # by which all are read that are in one state
