"""A node is renamed: what waits at it goes on as it was, and people keep their access."""

from __future__ import annotations

import datetime as dt

import pytest

from portal import flow, this
from portal.engine.versions import migration
from portal.models import Role, db

DAY = dt.timedelta(days=1)


def before():
    class KeepFlow(flow.Flow):
        start = flow.StartHandle().Next(this.both)
        both = flow.Split().Next(this.look).Next(this.rest)
        look = (
            flow.ManualTask()
            .Permission(auto_create=True)
            .Due(30 * DAY)
            .OnTimeout(DAY, this.remind, interrupting=False)
            .OnTimeout(10 * DAY, this.late)
            .Next(this.end)
        )
        rest = flow.Timer(20 * DAY).Next(this.end)
        remind = flow.Function(lambda activation: None).Next(this.end)
        late = flow.End()
        end = flow.End()

    return KeepFlow


def after():
    class KeepFlow(flow.Flow):
        start = flow.StartHandle().Next(this.both)
        both = flow.Split().Next(this.inspect).Next(this.pause)
        inspect = (
            flow.ManualTask()
            .Permission(auto_create=True)
            .Due(30 * DAY)
            .OnTimeout(DAY, this.remind, interrupting=False)
            .OnTimeout(10 * DAY, this.late)
            .Next(this.end)
        )
        pause = flow.Timer(20 * DAY).Next(this.end)
        remind = flow.Function(lambda activation: None).Next(this.end)
        late = flow.End()
        end = flow.End()

    return KeepFlow


@pytest.fixture
def run(flow_tester):
    run = flow_tester(before())
    run.start("start")
    run.advance(days=4)
    assert run.path.count("remind") == 1
    run.flow_class = after()
    flow_tester(run.flow_class)
    return run


def _move(run):
    return migration.move(db.session(), run.flow_class, {"look": "inspect", "rest": "pause"})


def test_what_has_fired_stays_fired_and_what_stands_ready_keeps_its_moment(run):
    old = {task.flow_task: task.scheduled for task in run.process.tasks if task.is_open}
    reminded = run.task("look").remind
    db.session.rollback()
    _move(run)
    new = {task.flow_task: task.scheduled for task in run.process.tasks if task.is_open}
    assert new.keys() == {"inspect", "inspect__timeout_2", "pause"}
    assert new["inspect__timeout_2"] == old["look__timeout_2"]
    assert new["pause"] == old["rest"]
    assert run.task("inspect").remind == reminded
    run.advance(days=5)
    assert run.path.count("remind") == 1
    assert run.task("inspect").status == "NEW"
    run.advance(days=2)
    assert run.tasks("inspect")[0].status == "CANCELED"
    assert run.path.count("late") == 1


def test_people_and_roles_keep_their_access(run, make_user):
    ann = make_user("ann")
    ann.permissions = ["keep.can_look", "keep.can_look:7", "other.can_look"]
    db.session.add(Role(name="lookers", permissions=["keep.can_look"]))
    db.session.commit()
    migration.move(db.session(), run.flow_class, {"look": "inspect"}, dry_run=True)
    assert ann.permissions[0] == "keep.can_look"
    _move(run)
    db.session.expire_all()
    assert ann.permissions == ["keep.can_inspect", "keep.can_inspect:7", "other.can_look"]
    assert db.session.query(Role).filter_by(name="lookers").one().permissions == ["keep.can_inspect"]
