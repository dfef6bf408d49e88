"""The auditor can fail: each row of the table breaks one thing behind the engine's back, and is found out."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from portal import flow, this
from portal.models import db
from portal.testing.database import empty_database
from tests.audit import faults


class AuditChildFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.ManualTask().Next(this.end)
    end = flow.End()


class AuditFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.human).Next(this.timer).Next(this.job).Next(this.call)
    human = flow.ManualTask().Next(this.join)
    timer = flow.Timer(dt.timedelta(hours=1)).Next(this.join)
    job = flow.Job(lambda activation: None, retries=1).Mutex("key").Next(this.join)
    call = flow.Subprocess(AuditChildFlow.start).Next(this.join)
    join = flow.Join().Next(this.last)
    last = flow.ManualTask().Mutex("key").Next(this.end)
    end = flow.End()


class AuditRaceFlow(flow.Flow):
    start = flow.StartHandle().Next(this.race)
    race = flow.SplitFirst().Next(this.winner).Next(this.loser)
    winner = flow.ManualTask().Next(this.after)
    loser = flow.ManualTask().Next(this.end)
    after = flow.ManualTask().Next(this.end)
    end = flow.End()


ROWS = {  # what is done to the rows -> words of the fault
    "a task is completed twice": (
        "INSERT INTO portal_event (created, process_id, task_id, action, from_state, to_state, detail)"
        " SELECT created, process_id, task_id, action, to_state, to_state, detail"
        " FROM portal_event WHERE task_id = (SELECT id FROM portal_task WHERE flow_task = 'human')"
        " AND to_state = 'DONE'",
        "(human): DONE 2 times",
    ),
    "a row of history is lost": (
        "DELETE FROM portal_event WHERE to_state = 'ASSIGNED'",
        "goes on from ASSIGNED, but the state was NEW",
    ),
    "the last row of history is lost": (
        "DELETE FROM portal_event WHERE to_state = 'DONE' AND task_id = (SELECT id FROM portal_task"
        " WHERE flow_task = 'timer')",
        "(timer): is DONE, but its history ends with SCHEDULED",
    ),
    "a state is written past the history": (
        "UPDATE portal_task SET status = 'CANCELED' WHERE flow_task = 'last'",
        "(last): is CANCELED, but its history ends with NEW",
    ),
    "a process is closed past the history": (
        "UPDATE portal_process SET status = 'DONE', finished = created WHERE flow_label = 'audit'",
        "(last): is NEW, but its process is DONE",
    ),
    "a step that the table does not know": (
        "UPDATE portal_event SET action = 'unassign' WHERE to_state = 'DONE'"
        " AND task_id = (SELECT id FROM portal_task WHERE flow_task = 'human')",
        "(human): unassign led from ASSIGNED to DONE",
    ),
    "a task is closed without a moment": (
        "UPDATE portal_task SET finished = NULL WHERE flow_task = 'timer'",
        "(timer): is DONE, and finished is None",
    ),
    "a task is lost": (
        "UPDATE portal_process SET task_count = task_count + 1 WHERE flow_label = 'audit'",
        "but counts 9",
    ),
    "nothing is open, and no end was reached": (
        "UPDATE portal_task SET finished = created WHERE flow_task = 'last'",
        "nothing is open, and nobody cancelled anything",
    ),
    "a token is lost": (
        "DELETE FROM portal_task_link WHERE task_id = (SELECT id FROM portal_task WHERE flow_task = 'last')",
        "(join): DONE 1 times, but 0 tasks follow",
    ),
    "a task comes from nowhere": (
        "DELETE FROM portal_task_link WHERE task_id = (SELECT id FROM portal_task WHERE flow_task = 'last')",
        "(last): nothing leads to it",
    ),
    "a token is doubled": (
        "INSERT INTO portal_task_link (task_id, previous_id) SELECT a.id, b.id FROM portal_task a, portal_task b"
        " WHERE a.flow_task = 'last' AND b.flow_task = 'timer'",
        "(timer): DONE 1 times, but 2 tasks follow",
    ),
    "a task is taken back under what came of it": (
        "UPDATE portal_task SET status = 'CANCELED' WHERE flow_task = 'human'",
        "(join): a token lives twice, it stands after task 3 (human), which is CANCELED",
    ),
    "a task is at work again under what came of it": (
        "UPDATE portal_task SET status = 'STARTED', finished = NULL WHERE flow_task = 'call'",
        "(join): a token lives twice, it stands after task 6 (call), which is STARTED",
    ),
    "two go on with one token": (
        "INSERT INTO portal_task_link (task_id, previous_id) SELECT a.id, b.id FROM portal_task a, portal_task b"
        " WHERE a.flow_task = 'last' AND b.flow_task = 'timer'",
        "(timer): a token lives twice, start has gone on with tasks",
    ),
    "a branch begins twice": (
        "UPDATE portal_task SET token = 'start/2_1' WHERE flow_task = 'timer'",
        "branch 1 began 2 times",
    ),
    "a branch is lost": (
        "DELETE FROM portal_task_link WHERE task_id = (SELECT id FROM portal_task WHERE flow_task = 'job')",
        "(split): promises 4 branches and began 3",
    ),
    "a join fires twice": (
        "UPDATE portal_task SET flow_task = 'join', flow_task_type = 'Join', awaits = 'start/2'"
        " WHERE flow_task = 'last'",
        "2 tasks of the join join for the branches of start/2",
    ),
    "a join fires too early": (
        "UPDATE portal_event SET id = id + 100000 WHERE to_state = 'DONE'"
        " AND task_id = (SELECT id FROM portal_task WHERE flow_task = 'human')",
        "(join): fired while task",
    ),
    "a join is forgotten": (
        "UPDATE portal_task SET status = 'STARTED', finished = NULL WHERE flow_task = 'join'",
        "(join): waits, but nobody can come",
    ),
    "a race has two winners": (
        "UPDATE portal_task SET status = 'NEW', finished = NULL WHERE flow_task = 'loser'",
        "(race): is DONE, and its branches 1, 2 go on",
    ),
    "a race has two winners, one of them revived": (
        "UPDATE portal_task SET status = CASE flow_task WHEN 'after' THEN 'REVIVED' ELSE 'NEW' END, finished = NULL"
        " WHERE flow_task IN ('loser', 'after')",
        "(race): is DONE, and its branches 1, 2 go on",
    ),
    "a race is called off, and its branches are not": (
        "UPDATE portal_task SET status = 'CANCELED' WHERE flow_task = 'race'",
        "(race): is CANCELED, and its branches 1 go on",
    ),
    "a timer fires too early": (
        "UPDATE portal_event SET created = (SELECT created FROM portal_process WHERE flow_label = 'audit')"
        " WHERE action = 'timer'",
        "(timer): fired at",
    ),
    "a timer fires twice": (
        "INSERT INTO portal_event (created, process_id, task_id, action, from_state, to_state, detail)"
        " SELECT created, process_id, task_id, action, to_state, to_state, detail FROM portal_event"
        " WHERE action = 'timer'",
        "(timer): fired 2 times",
    ),
    "an event outlives its host": (
        "UPDATE portal_task SET awaits = 'host:3' WHERE flow_task = 'last'",
        "(last): stands ready on task 3, which is DONE",
    ),
    "a try is not counted": (
        "UPDATE portal_task SET attempt = 0 WHERE flow_task = 'job'",
        "(job): its attempt is 0, but its history has [1]",
    ),
    "a child is left behind": (
        "UPDATE portal_process SET status = 'NEW', finished = NULL WHERE flow_label = 'audit_child'",
        "(call) is DONE",
    ),
    "a caller waits for nobody": (
        "UPDATE portal_task SET status = 'STARTED' WHERE flow_task = 'call'",
        "(call): waits, but none of its processes runs",
    ),
    "two hold a mutex": (
        "UPDATE portal_task SET status = 'STARTED', finished = NULL WHERE flow_task IN ('job', 'last')",
        "hold the mutex key at once",
    ),
    "a task waits for a mutex that is free": (
        "UPDATE portal_task SET awaits = 'mutex' WHERE flow_task = 'last'",
        "(last): waits for the mutex key, which is free",
    ),
    "a child hangs nowhere": (
        "UPDATE portal_process SET root_id = NULL WHERE flow_label = 'audit_child'",
        "has root None and depth 1 below process",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tester):
    """The process that tests look at, on this database."""
    return []


@pytest.fixture
def run(tester, made):
    """A process that is almost done, which is made anew only where a test has finished it."""
    if not made or made[0].process.status == "DONE":
        db.session.remove()
        empty_database()
        made[:] = [_almost_done(tester)]
    return made[0]


def _almost_done(tester):
    tester(AuditChildFlow)
    race = tester(AuditRaceFlow)
    race.start()
    race.task("winner").assign("alice").execute()
    run = tester(AuditFlow)
    run.start()
    run.task("human").assign("alice").execute()
    run.children("call")[0].task("work").assign("alice").execute()
    run.jobs()
    run.advance(hours=2)
    return run


@pytest.mark.parametrize("name", ROWS)
def test_a_fault_is_found(run, name):
    statement, words = ROWS[name]
    session = db.session()
    session.rollback()
    assert session.execute(text(statement)).rowcount, "the row of this table breaks nothing"
    found = faults(session)
    session.rollback()
    assert any(words in fault for fault in found), found


def test_the_books_of_whole_actions_are_in_order(run):
    assert faults(db.session()) == []
    run.task("last").assign("bob").execute()
    assert run.process.status == "DONE"
    assert faults(db.session()) == []
