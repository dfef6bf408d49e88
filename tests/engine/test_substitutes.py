"""Somebody is away, and somebody else does their work: what the substitute may do, and what the history says of it."""

import datetime as dt

import pytest

from portal import act, assign, flow, jsonstore, queries, this, views
from portal.engine import absences, permissions
from portal.engine.transaction import clock
from portal.errors import PermissionDenied
from portal.models import Absence, Event, Process, Task, User, create_user, db


class TripProcess(Process):
    place = jsonstore.StringField("Place")
    fine = jsonstore.BooleanField("Fine", default=False)


class TripFlow(flow.Flow):
    process_class = TripProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["place"])).Next(this.approve)
    approve = (
        flow.View(views.UpdateProcessView.as_view(fields=["fine"]))
        .Permission(auto_create=True)
        .NotSameAs(this.start)
        .Next(this.check)
    )
    check = flow.If(act.process.fine).Then(this.book).Else(this.end)
    book = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    end = flow.End()


@pytest.fixture
def run(flow_tester):
    return flow_tester(TripFlow)


@pytest.fixture
def people(run):
    alice = create_user("alice", permissions=["trip.can_approve"], full_name="Alice Keller")
    return alice, create_user("sam"), create_user("tom")


def away(user, substitute, *flows, days=3):
    now = clock.get()()
    db.session.add(
        Absence(
            user=user,
            substitute=substitute,
            begins=now,
            ends=now + dt.timedelta(days=days),
            flows=list(flows),
        )
    )
    db.session.commit()


def finish(run, user):
    with run.task("approve").task.activation(user) as activation:
        activation.process.fine = False
        activation.execute()


def inbox(user):
    return [task.flow_task for task in queries.inbox(db.session(), user)]


def queue(user):
    return [task.flow_task for task in queries.queue(db.session(), user)]


def last(run, action):
    query = db.select(Event).where(Event.process_id == run.process.id, Event.action == action)
    return db.session.scalars(query.order_by(Event.id.desc())).unique().first()


def test_who_is_away(run, people):
    alice, sam, _ = people
    away(alice, sam)
    session = db.session()
    assert absences.is_away(session, alice)
    assert not absences.is_away(session, sam)
    assert not absences.is_away(session, alice, clock.get()() + dt.timedelta(days=4))
    found = session.scalars(db.select(User.username).where(absences.away()))
    assert list(found) == ["alice"]
    later = clock.get()() + dt.timedelta(days=4)
    assert not list(session.scalars(db.select(User.username).where(absences.away(later))))


def test_a_substitute_finishes_a_task_of_theirs(run, people):
    alice, sam, tom = people
    run.start("start", user="tom", place="Bern")
    run.task("approve").assign(alice)
    assert (inbox(sam), permissions.may_see_process(db.session(), sam, run.process)) == ([], False)
    away(alice, sam)
    assert (inbox(sam), inbox(alice), inbox(tom)) == (["approve"], ["approve"], [])
    assert permissions.may_see_process(db.session(), sam, run.process)
    task = run.task("approve").task
    assert queries.whom_for(sam, task).username == "alice"
    finish(run, sam)
    done = last(run, "execute")
    assert (done.user.username, done.detail["for"]) == ("sam", "alice")
    task = db.session.get_one(Task, task.id, populate_existing=True)
    assert (task.owner.username, task.acting_for.username) == ("sam", "alice")
    assert permissions.may_see_process(db.session(), alice, run.process)


def test_a_substitute_takes_new_work_by_the_permission_that_is_lent(run, people):
    alice, sam, _ = people
    run.start("start", user="tom", place="Bern")
    assert queue(sam) == []
    away(alice, sam)
    assert queue(sam) == ["approve"]
    task = run.task("approve").task
    with task.activation(user=sam) as activation:
        activation.assign(sam)
    assert last(run, "assign").detail == {"to": "sam", "for": "alice"}
    run.advance(days=5)  # she is back, and he may finish what he has taken
    assert queue(sam) == []
    finish(run, sam)
    assert last(run, "execute").detail["for"] == "alice"


def test_the_lender_must_still_hold_the_permission(run, people):
    alice, sam, _ = people
    away(alice, sam)
    run.start("start", user="tom", place="Bern")
    with run.task("approve").task.activation(user=sam) as activation:
        activation.assign(sam)
    alice.permissions = []
    db.session.commit()
    with pytest.raises(PermissionDenied):
        finish(run, sam)


def test_not_same_as_binds_who_really_acts(run, people):
    alice, sam, _ = people
    away(alice, sam)
    run.start("start", user="sam", place="Bern")
    assert queue(sam) == []
    task = run.task("approve").task
    with pytest.raises(PermissionDenied), task.activation(user=sam) as activation:
        activation.assign(sam)
    run.task("approve").assign(alice)
    assert inbox(sam) == []
    with pytest.raises(PermissionDenied):
        finish(run, sam)


def test_nobody_lends_what_they_may_not_do_themselves(run, people):
    alice, sam, _ = people
    away(alice, sam)
    run.start("start", user="alice", place="Bern")
    assert queue(sam) == []
    with pytest.raises(PermissionDenied), run.task("approve").task.activation(user=sam) as activation:
        activation.assign(sam)


@pytest.mark.parametrize(("flows", "seen"), [([], True), (["trip"], True), (["other"], False)])
def test_a_substitute_does_the_flows_that_were_named(run, people, flows, seen):
    alice, sam, _ = people
    run.start("start", user="tom", place="Bern")
    away(alice, sam, *flows)
    assert bool(queue(sam)) is seen
    run.task("approve").assign(alice)
    assert bool(inbox(sam)) is seen
    assert permissions.may_see_process(db.session(), sam, run.process) is seen


def test_who_holds_it_themselves_acts_for_nobody(run, people):
    alice, sam, _ = people
    sam.permissions = ["trip.can_approve"]
    db.session.commit()
    away(alice, sam)
    run.start("start", user="tom", place="Bern")
    with run.task("approve").task.activation(user=sam) as activation:
        activation.assign(sam)
    assert last(run, "assign").detail == {"to": "sam"}


def test_power_over_everything_is_not_lent(run, people):
    _, sam, _ = people
    root = create_user("root", is_superuser=True)
    away(root, sam)
    run.start("start", user="tom", place="Bern")
    assert queue(sam) == []
    assert not permissions.may_take(db.session(), sam, run.task("approve").task)


def test_a_substitute_gives_back_and_hands_over(run, people):
    alice, sam, _ = people
    ann = create_user("ann", permissions=["trip.can_approve"])
    run.start("start", user="tom", place="Bern")
    run.task("approve").assign(alice)
    away(alice, sam)
    with run.task("approve").task.activation(user=sam) as activation:
        activation.reassign(ann)
    assert last(run, "reassign").detail == {"from": "alice", "to": "ann"}
    with pytest.raises(PermissionDenied), run.task("approve").task.activation(user=sam) as activation:
        activation.unassign()


def test_a_rule_gives_nothing_to_who_is_away(flow_tester, people):
    class TurnFlow(flow.Flow):
        start = flow.StartHandle().Next(this.do)
        do = flow.ManualTask().Permission(auto_create=True).Assign(assign.RoundRobin()).Next(this.end)
        end = flow.End()

    alice, sam, tom = people
    run = flow_tester(TurnFlow)
    for user in (alice, sam, tom):
        user.permissions = ["turn.can_do"]
    db.session.commit()
    away(alice, sam)
    owners = []
    for _ in range(4):
        run.start("start")
        owners.append(run.task("do").owner.username)
    assert owners == ["sam", "tom", "sam", "tom"]


def test_after_the_absence_nothing_is_left(run, people):
    alice, sam, _ = people
    run.start("start", user="tom", place="Bern")
    run.task("approve").assign(alice)
    away(alice, sam)
    run.advance(days=4)
    assert inbox(sam) == []
    with pytest.raises(PermissionDenied):
        finish(run, sam)
