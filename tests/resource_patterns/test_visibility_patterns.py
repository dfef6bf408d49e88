"""Visibility patterns: who sees which tasks. And patterns of several people."""

import pytest

from portal import flow, this
from portal.engine import permissions
from portal.models import create_user, db
from portal.queries import helped, inbox, queue
from portal.queries.listing import read


class WardFlow(flow.Flow):
    start = flow.StartHandle().Next(this.visit)
    visit = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    end = flow.End()


@pytest.fixture
def run(flow_tester):
    run = flow_tester(WardFlow)
    run.start()
    return run


@pytest.fixture
def nurse(run):
    return create_user("nurse", permissions=["ward.can_visit"])


@pytest.fixture
def matron(run):
    return create_user("matron", permissions=["ward.view"])


@pytest.fixture
def porter(run):
    return create_user("porter")


def seen(user):
    """The open tasks that somebody sees in `/tasks`."""
    return [row.flow_task for row in read(db.session(), user, "tasks")]


def test_r40_configurable_unallocated_work_item_visibility(run, nurse, matron, porter):
    """It can be said who sees the tasks that nobody has.

    Who holds the task's permission has it in their queue; who holds `<label>.view` sees it in `/tasks` and
    cannot take it; nobody else does. Fields that only some may read have `visible_to=`."""
    assert [len(list(queue(db.session(), each))) for each in (nurse, matron, porter)] == [1, 0, 0]
    assert [seen(each) for each in (nurse, matron, porter)] == [["visit"], ["visit"], []]


def test_r41_configurable_allocated_work_item_visibility(run, nurse, matron, porter):
    """It can be said who sees the tasks that somebody has.

    The same: who holds the task's permission or `<label>.view` sees that it is taken, and by whom; the
    owner's inbox is the owner's. A role for the view is given and taken away by an administrator, without
    code."""
    run.task("visit").assign(nurse)
    assert [seen(each) for each in (nurse, matron, porter)] == [["visit"], ["visit"], []]
    assert [len(list(inbox(db.session(), each))) for each in (nurse, matron, porter)] == [1, 0, 0]
    assert not permissions.may_see_process(db.session(), porter, run.process)


def test_r42_simultaneous_execution(flow_tester, nurse):
    """Somebody has several tasks at work at the same time.

    Nothing forbids it: forms are kept as drafts. `.Mutex("name")` forbids it within one process, a person's
    `capacity` bounds what rules give out."""
    runs = [flow_tester(WardFlow) for _ in range(2)]
    for each in runs:
        each.start()
        each.task("visit").assign(nurse)
    assert len(list(inbox(db.session(), nurse))) == 2


def test_r43_additional_resources(run, nurse, porter):
    """Somebody who is at work on a task gets others to help.

    *Ask for help…*, `activation.ask_help(user)`: who is asked is told, finds the task below their inbox,
    sees it and its process, comments, and attaches files; who owns it finishes it. Work that is divided is
    a `Split` with a task for each."""
    run.task("visit").assign(nurse)
    with run.task("visit").task.activation(nurse) as activation:
        activation.ask_help(porter, reason="The patient is heavy.")
    assert [task.flow_task for task in helped(db.session(), porter)] == ["visit"]
    assert permissions.may_see_process(db.session(), porter, run.process)
    assert list(inbox(db.session(), porter)) == []
