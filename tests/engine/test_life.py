"""The life of a task: one test over every state, action and person; then what each action leaves behind."""

from __future__ import annotations

import datetime as dt

import pytest

from portal import flow, this
from portal.engine import lifecycle
from portal.errors import PermissionDenied, TransitionNotAllowed, UnsavedChanges
from portal.models import Event, Process, db


class LifeFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.ManualTask(undo_func=this.taken_back).Permission(auto_create=True).Next(this.end)
    end = flow.End()

    def taken_back(self, activation):
        activation.process.data["taken_back"] = True


class MachineFlow(flow.Flow):
    start = flow.StartHandle().Next(this.wait)
    wait = flow.Handle().Next(this.end)
    end = flow.End()


STATES = ("NEW", "ASSIGNED", "SCHEDULED", "STARTED", "DONE", "ERROR", "CANCELED", "REVIVED")
#: the contract's table, written out again: action -> states it starts from, state it leads to, who may
TABLE = {
    "assign": ({"NEW"}, "ASSIGNED", {"taker", "manager", "system"}),
    "unassign": ({"ASSIGNED"}, "NEW", {"owner", "manager", "system"}),
    "reassign": ({"ASSIGNED"}, "ASSIGNED", {"owner", "manager", "system"}),
    "execute": ({"ASSIGNED"}, "DONE", {"owner", "system"}),
    "cancel": ({"NEW", "ASSIGNED", "SCHEDULED", "STARTED", "ERROR"}, "CANCELED", {"manager", "system"}),
    "undo": ({"DONE"}, "CANCELED", {"manager", "system"}),
    "revive": ({"CANCELED", "ERROR"}, "REVIVED", {"manager", "system"}),
    "skip": ({"NEW", "ASSIGNED", "SCHEDULED", "ERROR"}, "DONE", {"manager", "system"}),
    "move": ({"NEW", "ASSIGNED", "SCHEDULED", "STARTED", "ERROR"}, "CANCELED", {"manager", "system"}),
    "due": ({"NEW", "ASSIGNED"}, None, {"manager", "system"}),
    "priority": ({"NEW", "ASSIGNED"}, None, {"manager", "system"}),
    "snooze": ({"ASSIGNED"}, None, {"owner", "manager", "system"}),
    "reschedule": ({"SCHEDULED"}, None, {"manager", "system"}),
}
AHEAD = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
#: what an action is given, and the method of one that is not called like it
GIVEN = {"move": ("end",), "due": (AHEAD,), "priority": (3,), "snooze": (AHEAD,), "reschedule": (AHEAD,)}
METHODS = {"due": "change_due", "priority": "change_priority"}


@pytest.fixture
def people(flow_tester, make_user):
    flow_tester(LifeFlow)
    return {
        "owner": make_user("alice", "life.can_work"),
        "taker": make_user("bob", "life.can_work"),
        "manager": make_user("carol", "life.manage", "life.can_work"),
        "stranger": make_user("dave"),
        "system": None,
    }


@pytest.fixture
def task_in(session, people):
    """Make a task that is in a state already."""

    def make(state):
        task = LifeFlow.start.run().tasks[1]
        task.status = state
        task.owner = people["owner"] if state in ("ASSIGNED", "DONE") else None
        task.finished = dt.datetime.now(dt.UTC) if state in lifecycle.CLOSED else None
        session.commit()
        return task

    return make


def act_on(task, action, user, people):
    with task.activation(user) as activation:
        if action == "assign":
            activation.assign(user or people["taker"])
        elif action == "reassign":
            activation.reassign(people["taker"])
        else:
            getattr(activation, METHODS.get(action, action))(*GIVEN.get(action, ()))


@pytest.mark.parametrize("action", TABLE)
def test_every_state_and_person(session, people, task_in, action):
    sources, target, allowed = TABLE[action]
    for state in STATES:
        for who, user in people.items():
            task = task_in(state)
            events = session.query(Event).filter_by(task_id=task.id).count()
            if state not in sources:
                expected = TransitionNotAllowed
            elif who not in allowed and not (action == "assign" and who == "owner"):
                expected = PermissionDenied
            else:
                expected = None
            if expected is None:
                act_on(task, action, user, people)
                assert task.status == (target or state), (action, state, who)
            else:
                with pytest.raises(expected):
                    act_on(task, action, user, people)
                session.refresh(task)
                assert task.status == state, (action, state, who)
                assert session.query(Event).filter_by(task_id=task.id).count() == events
            session.commit()


def test_buttons_and_actions_agree(session, people, task_in):
    for state in STATES:
        task = task_in(state)
        for who in ("owner", "manager", "stranger"):
            shown = lifecycle.actions_for(task, people[who])
            for action, (sources, _, allowed) in TABLE.items():
                may = who in allowed or (action == "assign" and who == "owner")
                assert (action in shown) == (state in sources and may), (state, who, action)


@pytest.mark.parametrize("action", ["assign", "unassign", "reassign", "execute"])
def test_a_persons_actions_are_not_for_machines_tasks(flow_tester, make_user, action):
    flow_tester(MachineFlow)
    alice = make_user("alice", is_superuser=True)
    task = MachineFlow.start.run().tasks[1]
    with pytest.raises(TransitionNotAllowed), task.activation(alice) as activation:
        getattr(activation, action)(*([alice] if action.endswith("assign") and action != "unassign" else []))


def test_a_person_takes_a_task_only_for_themselves_a_manager_gives_it(people, task_in):
    task = task_in("NEW")
    with pytest.raises(PermissionDenied), task.activation(people["taker"]) as activation:
        activation.assign(people["owner"])
    with task.activation(people["manager"]) as activation:
        activation.assign(people["owner"])
    assert (task.status, task.owner.username) == ("ASSIGNED", "alice")
    assert task.assigned is not None
    assert task.assigned.tzinfo is not None


def test_the_assignee_holds_the_permission_of_the_task(people, task_in):
    task = task_in("NEW")
    with pytest.raises(PermissionDenied), task.activation(people["manager"]) as activation:
        activation.assign(people["stranger"])
    task = task_in("ASSIGNED")
    with pytest.raises(PermissionDenied), task.activation(people["owner"]) as activation:
        activation.reassign(people["stranger"])
    assert task.owner.username == "alice"


def test_giving_back_clears_the_owner(people, task_in):
    task = task_in("ASSIGNED")
    with task.activation(people["owner"]) as activation:
        activation.unassign()
    assert (task.status, task.owner, task.assigned) == ("NEW", None, None)


def test_each_change_is_a_row_of_history(session, people):
    task = LifeFlow.start.run().tasks[1]
    act_on(task, "assign", people["owner"], people)
    act_on(task, "reassign", people["owner"], people)
    act_on(task, "unassign", people["taker"], people)
    act_on(task, "assign", people["owner"], people)
    act_on(task, "execute", people["owner"], people)
    rows = session.query(Event).filter_by(task_id=task.id).order_by(Event.id)
    names = {user.id: user.username for user in people.values() if user is not None}
    assert [(r.action, r.from_state, r.to_state, names.get(r.user_id)) for r in rows] == [
        ("step", None, "NEW", None),
        ("assign", "NEW", "ASSIGNED", "alice"),
        ("reassign", "ASSIGNED", "ASSIGNED", "alice"),
        ("unassign", "ASSIGNED", "NEW", "bob"),
        ("assign", "NEW", "ASSIGNED", "alice"),
        ("execute", "ASSIGNED", "DONE", "alice"),
    ]
    of_process = session.query(Event).filter_by(process_id=task.process_id, task_id=None).order_by(Event.id)
    assert [(r.action, r.from_state, r.to_state) for r in of_process] == [
        ("start", None, "NEW"),
        ("step", "NEW", "DONE"),
    ]
    assert all(r.created.tzinfo is not None for r in of_process)


def test_undo_of_the_end_reopens_then_each_step_goes_back(session, people):
    process = LifeFlow.start.run()
    start, work = process.tasks
    act_on(work, "assign", people["owner"], people)
    act_on(work, "execute", people["owner"], people)
    end = process.tasks[2]
    assert process.status == "DONE"

    with pytest.raises(TransitionNotAllowed):
        act_on(work, "undo", people["manager"], people)
    act_on(end, "undo", people["manager"], people)
    assert (process.status, end.status, process.finished) == ("NEW", "CANCELED", None)
    act_on(work, "undo", people["manager"], people)
    assert (process.status, work.status) == ("NEW", "CANCELED")
    assert process.data["taken_back"] is True
    act_on(start, "undo", people["manager"], people)
    assert (process.status, start.status) == ("CANCELED", "CANCELED")


def test_a_revived_copy_keeps_what_the_old_task_was(session, people, make_user):
    process = LifeFlow.start.run()
    old = process.tasks[1]
    old.data = {"kept": [1], "_exception": {"type": "ValueError"}}
    old.seed, old.artifact = people["owner"], people["taker"]
    old.priority, old.due = 7, dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    session.commit()
    act_on(old, "cancel", people["manager"], people)
    with old.activation(people["manager"]) as activation:
        fresh = activation.revive()

    assert (old.status, fresh.status, fresh.owner) == ("REVIVED", "NEW", None)
    assert fresh.data == {"kept": [1]}
    assert (fresh.seed, fresh.artifact) == (people["owner"], people["taker"])
    assert (fresh.priority, fresh.due, fresh.token) == (7, old.due, old.token)
    assert fresh.owner_permission == "life.can_work"
    assert {t.number for t in fresh.previous} == {1, old.number}
    assert fresh.number == 3


def test_a_process_whose_last_task_is_cancelled_is_stuck_until_it_is_revived(people):
    process = LifeFlow.start.run()
    work = process.tasks[1]
    act_on(work, "cancel", people["manager"], people)
    assert process.status == "NEW"
    act_on(work, "revive", people["manager"], people)
    fresh = process.tasks[2]
    act_on(fresh, "assign", people["owner"], people)
    act_on(fresh, "execute", people["owner"], people)
    assert process.status == "DONE"


def test_revive_brings_a_process_that_is_over_back(people):
    process = LifeFlow.start.run()
    process.cancel(people["manager"])
    assert (process.status, process.tasks[1].status) == ("CANCELED", "CANCELED")
    act_on(process.tasks[1], "revive", people["manager"], people)
    assert (process.status, process.finished) == ("NEW", None)
    assert process.tasks[2].status == "NEW"


@pytest.mark.parametrize("who", ["owner", "taker", "stranger"])
@pytest.mark.parametrize("action", ["cancel", "suspend", "resume"])
def test_a_process_is_a_managers(people, who, action):
    process = LifeFlow.start.run()
    if action == "resume":
        process.suspend()
    before = process.status
    with pytest.raises(PermissionDenied):
        getattr(process, action)(people[who])
    assert process.status == before


def test_nobody_works_in_a_suspended_process(people):
    process = LifeFlow.start.run()
    work = process.tasks[1]
    process.suspend(people["manager"])
    assert process.status == "SUSPENDED"
    for action, state in (("assign", "NEW"), ("revive", "CANCELED")):
        if state == "CANCELED":
            act_on(work, "cancel", people["manager"], people)
        with pytest.raises(TransitionNotAllowed):
            act_on(work, action, people["manager"], people)
    process.resume(people["manager"])
    act_on(work, "revive", people["manager"], people)
    act_on(process.tasks[2], "assign", people["owner"], people)
    assert process.status == "NEW"


@pytest.mark.parametrize(
    ("prepare", "refused"),
    [("cancel", ("cancel", "suspend", "resume")), ("suspend", ("suspend",)), (None, ("resume",))],
)
def test_the_life_of_a_process(people, prepare, refused):
    process = LifeFlow.start.run()
    if prepare:
        getattr(process, prepare)()
    for action in refused:
        with pytest.raises(TransitionNotAllowed):
            getattr(process, action)()
    assert process.status == {"cancel": "CANCELED", "suspend": "SUSPENDED", None: "NEW"}[prepare]


def test_a_later_post_on_a_cancelled_process_is_refused(people):
    process = LifeFlow.start.run()
    work = process.tasks[1]
    act_on(work, "assign", people["owner"], people)
    process.cancel()
    with pytest.raises(TransitionNotAllowed):
        act_on(work, "execute", people["owner"], people)
    assert work.status == "CANCELED"


def test_a_block_that_raises_keeps_nothing(session, people):
    process = LifeFlow.start.run()
    work = process.tasks[1]
    with pytest.raises(KeyError), work.activation() as activation:  # noqa: PT012
        activation.process.data["half"] = True
        activation.assign(people["owner"])
        raise KeyError
    assert (work.status, process.data, work.owner) == ("NEW", {}, None)


def test_unsaved_changes_are_refused(session, people):
    process = LifeFlow.start.run()
    process.data["mine"] = 1
    with pytest.raises(UnsavedChanges), process.tasks[0].activation():
        pass
    with pytest.raises(UnsavedChanges):
        LifeFlow.start.run()
    with pytest.raises(UnsavedChanges):
        process.cancel()
    session.rollback()
    process.cancel()


def test_no_commit_inside_an_action(session, people):
    from portal.errors import PortalError

    work = LifeFlow.start.run().tasks[1]
    with pytest.raises(PortalError), work.activation() as activation:  # noqa: PT012
        activation.assign(people["owner"])
        session.commit()
    assert work.status == "NEW"
    session.commit()


@pytest.mark.parametrize("target", ["task", "process"])
def test_what_is_not_there(session, flow_tester, target):
    from portal.engine import actions

    flow_tester(LifeFlow)
    with pytest.raises(LookupError):  # noqa: PT012
        if target == "task":
            with actions.activation(session, 4711, None):
                pass
        else:
            actions.cancel_process(session, 4711)


def test_reading_changes_nothing(session, people, count):
    from portal.engine import actions

    work = LifeFlow.start.run().tasks[1]
    seen = session.query(Event).count()
    activation = actions.reading(session, work, people["owner"])
    assert (activation.task, activation.node.name) == (work, "work")
    actions.reading_start(session, LifeFlow.definition.nodes["start"], None)
    session.commit()
    assert session.query(Event).count() == seen
    assert db.session.query(Process).count() == 1


class ThreeStepsFlow(flow.Flow):
    start = flow.StartHandle().Next(this.first)
    first = flow.Handle().Next(this.second)
    second = flow.Handle().Next(this.third)
    third = flow.Handle().Next(this.end)
    end = flow.End()


def test_what_comes_after_a_task_that_was_taken_back_is_not_revived_before_it(flow_tester, make_user):
    run = flow_tester(ThreeStepsFlow)
    run.start()
    run.handle("first")
    run.handle("second")
    run.task("third").cancel()
    run.tasks("second")[0].undo()
    manager = make_user("carol", "three_steps.manage")
    with pytest.raises(TransitionNotAllowed, match="what came before it was taken back: «Second»"):
        run.tasks("third")[0].revive()
    assert "revive" not in lifecycle.actions_for(run.tasks("third")[0].task, manager)
    run.tasks("second")[0].revive()
    with pytest.raises(TransitionNotAllowed, match="after it there is «Second»"):
        run.tasks("first")[0].undo()
    assert "undo" not in lifecycle.actions_for(run.tasks("first")[0].task, manager)
    run.task("second").cancel()
    assert "undo" in lifecycle.actions_for(run.tasks("first")[0].task, manager)
    run.tasks("first")[0].undo()


class ChosenFlow(flow.Flow):
    """One step for whoever holds its permission, and one whose owner a rule of the flow chooses."""

    start = flow.StartHandle().Next(this.work)
    work = flow.ManualTask().Permission(auto_create=True).Next(this.check)
    check = flow.ManualTask().Permission(auto_create=True).Assign(username="bob").Next(this.end)
    end = flow.End()


@pytest.fixture
def clerk(flow_tester, make_user, session):
    """Somebody who holds the permission of the first step by a role, and can lose it."""
    flow_tester(ChosenFlow)
    person = make_user("alice", roles=["clerks"])
    person.roles[0].permissions = ["chosen.can_work"]
    session.commit()
    return person


def taken(person):
    task = ChosenFlow.start.run().tasks[1]
    with task.activation(person) as activation:
        activation.assign(person)
    return task


def finish(task, person):
    with task.activation(person) as activation:
        activation.execute()


def test_who_has_lost_the_permission_may_give_back_but_not_finish(session, clerk, make_user):
    task = taken(clerk)
    clerk.roles[0].permissions = []
    session.commit()
    assert not {"execute", "assign"} & set(lifecycle.actions_for(task, clerk))
    with pytest.raises(PermissionDenied, match=r"chosen\.can_work.*give the task back"):
        finish(task, clerk)
    assert task.status == "ASSIGNED"
    clerk.permissions = ["chosen.can_work"]
    session.commit()
    finish(task, clerk)
    assert task.status == "DONE"
    task = taken(clerk)
    clerk.permissions = []
    session.commit()
    with task.activation(clerk) as activation:
        activation.unassign()
    assert task.status == "NEW"


@pytest.mark.parametrize("manages", [True, False])
def test_who_was_handed_a_task_needs_its_permission_to_the_end(session, clerk, make_user, manages):
    dave = make_user("dave", "chosen.can_work")
    task = taken(clerk)
    actor = make_user("carol", "chosen.manage") if manages else None  # else the system hands it over
    with task.activation(actor) as activation:
        activation.reassign(dave)
    dave.permissions = []
    session.commit()
    with pytest.raises(PermissionDenied):
        finish(task, dave)


def test_whom_a_rule_chose_needs_no_permission_until_they_give_the_task_back(session, clerk, make_user):
    bob = make_user("bob")
    finish(task := taken(clerk), clerk)
    check = task.leading[0]
    assert (check.status, check.owner) == ("ASSIGNED", bob)
    assert "execute" in lifecycle.actions_for(check, bob)
    finish(check, bob)
    assert check.status == "DONE"
    finish(task := taken(clerk), clerk)
    check = task.leading[0]
    bob.permissions = ["chosen.can_check"]
    session.commit()
    for action in ("unassign", "assign"):
        with check.activation(bob) as activation:
            getattr(activation, action)(*([bob] if action == "assign" else []))
    bob.permissions = []
    session.commit()
    with pytest.raises(PermissionDenied):
        finish(check, bob)


@pytest.mark.parametrize(
    ("active", "name", "told"),
    [(False, "bob", "bob is deactivated"), (True, "rob", "there is no user 'bob'")],
)
def test_a_rule_that_finds_nobody_leaves_the_task_to_the_queue_and_says_why(
    session, clerk, make_user, active, name, told
):
    make_user(name).is_active = active
    session.commit()
    finish(task := taken(clerk), clerk)
    check = task.leading[0]
    assert (check.status, check.owner, check.assigned) == ("NEW", None, None)
    events = session.query(Event).filter_by(task_id=check.id).order_by(Event.id).all()
    assert [(e.from_state, e.to_state, e.detail) for e in events] == [
        (None, "NEW", {}),
        ("NEW", "NEW", {"unassigned": told}),
    ]


@pytest.mark.parametrize("who", ["manager", "owner"])
def test_nobody_hands_work_to_who_is_deactivated(session, clerk, make_user, who):
    gone = make_user("bob", "chosen.can_work")
    gone.is_active = False
    carol = make_user("carol", "chosen.manage")
    session.commit()
    task = taken(clerk)
    actor = {"manager": carol, "owner": clerk}[who]
    with pytest.raises(PermissionDenied, match="bob is deactivated"), task.activation(actor) as activation:
        activation.reassign(gone)
    assert task.owner == clerk


class SeparatedFlow(flow.Flow):
    """Two steps side by side, which one person may not do both."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.count).Next(this.recount)
    count = flow.ManualTask().Permission("separated.can_count").Next(this.join)
    recount = flow.ManualTask().Permission("separated.can_count").NotSameAs(this.count).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


@pytest.mark.parametrize("superuser", [False, True])
def test_who_has_both_tasks_already_finishes_only_one_of_them(flow_tester, make_user, superuser):
    flow_tester(SeparatedFlow)
    alice = make_user("alice", "separated.can_count", is_superuser=superuser)
    by_name = {task.flow_task: task for task in SeparatedFlow.start.run().tasks}
    for name in ("count", "recount"):
        with by_name[name].activation(alice) as activation:
            activation.assign(alice)
    finish(by_name["count"], alice)
    with pytest.raises(PermissionDenied, match=r"must be done by someone else.*give the task back"):
        finish(by_name["recount"], alice)
    assert by_name["recount"].status == "ASSIGNED"
