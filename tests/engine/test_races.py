"""What may happen at one moment: whoever is first, all of one happens, then all of the other, or it is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import func, select, update

from portal import flow, jsonstore, this
from portal.engine import actions, outbox
from portal.engine.interpreter import signals
from portal.engine.queue import jobs, reminders, schedules, timers
from portal.models import Event, Outgoing, Process, SignalDelivery, Task, db
from tests.audit import faults

HOUR = dt.timedelta(hours=1)
REFUSED = "TransitionNotAllowed"


class FormsProcess(Process):
    text = jsonstore.StringField()


class FormsFlow(flow.Flow):
    """Two forms, with a deadline on the first."""

    process_class = FormsProcess
    process_webhooks = ["https://hooks.example"]
    withdraw = True
    start = flow.StartHandle().Next(this.first)
    first = flow.ManualTask().Due(HOUR).OnTimeout(HOUR, this.late).Next(this.second)
    second = flow.ManualTask().Next(this.end)
    late = flow.End()
    end = flow.End()


class TimerFlow(flow.Flow):
    start = flow.StartHandle().Next(this.wait)
    wait = flow.Timer(HOUR).Next(this.end)
    end = flow.End()


class WorkFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.Job(this.do).Next(this.end)
    end = flow.End()

    def do(self, activation):
        activation.process.data["by"] = activation.attempt


class FailsFlow(flow.Flow):
    start = flow.StartHandle().Next(this.fail)
    fail = flow.Function(lambda activation: 1 / 0).Next(this.end)
    end = flow.End()


class BelowFlow(flow.Flow):
    start = flow.StartHandle().Next(this.sign)
    sign = flow.ManualTask().Next(this.end)
    end = flow.End()


class CallFlow(flow.Flow):
    start = flow.StartHandle().Next(this.call)
    call = flow.NSubprocess(BelowFlow.start, items=[{}, {}]).Next(this.end)
    end = flow.End()


class RaceFlow(flow.Flow):
    start = flow.StartHandle().Next(this.race)
    race = flow.SplitFirst().Next(this.red).Next(this.blue)
    red = flow.ManualTask().Next(this.end)
    blue = flow.ManualTask().Next(this.end)
    end = flow.End()


class BranchesFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.left).Next(this.right)
    left = flow.ManualTask().Next(this.join)
    right = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


class ItemsFlow(flow.Flow):
    start = flow.StartHandle().Next(this.each)
    each = flow.Split().Next(this.visit, task_data_source=lambda activation: [{}])
    visit = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.after)
    after = flow.ManualTask().Next(this.end)
    end = flow.End()


class HearFlow(flow.Flow):
    start = flow.StartHandle().Next(this.gate)
    gate = flow.ManualTask().Next(this.hear)
    hear = flow.SignalCatch("bell").Next(this.end)
    end = flow.End()


class BellFlow(flow.Flow):
    start = flow.StartHandle().Next(this.ring)
    ring = flow.SignalThrow("bell").Next(this.end)
    end = flow.End()


class LetterFlow(flow.Flow):
    start = flow.StartHandle().Next(this.pack)
    pack = flow.ManualTask().Next(this.letter)
    letter = flow.MessageCatch(this.read).Next(this.end)
    end = flow.End()

    def read(self, activation):
        activation.process.data["read"] = activation.process.data.get("read", 0) + 1


class HourlyFlow(flow.Flow):
    start = flow.StartTimer(interval=HOUR).Next(this.look)
    look = flow.ManualTask().Next(this.end)
    end = flow.End()


FLOWS = (
    FormsFlow, TimerFlow, WorkFlow, BelowFlow, CallFlow, RaceFlow, BranchesFlow, HearFlow, BellFlow, LetterFlow,
    HourlyFlow, FailsFlow, ItemsFlow,
)  # fmt: skip


class World:
    """Everything by its name: each is looked up in the thread that acts."""

    def __init__(self, tester: Any, people: Sequence[int]) -> None:
        self.tester, self.people = tester, people
        self.process = 0

    def start(self, flow_class: Any) -> None:
        self.process = flow_class.start.run().id
        db.session.commit()

    def tasks(self, node: str) -> list[int]:
        mine = (Process.id == self.process) | (Process.root_id == self.process)
        query = (
            select(Task.id).join(Process, Process.id == Task.process_id).where(Task.flow_task == node, mine)
        )
        found = list(db.session.scalars(query.order_by(Task.id)))
        db.session.rollback()
        return found

    def do(self, action: str, node: str, who: int = 0, which: int = 0) -> Callable[[], str]:
        """An action of a person on the task of a node, to be done later."""
        task, person = self.tasks(node)[which], self.people[who]

        def act() -> str:
            with actions.activation(db.session(), task, person) as activation:
                getattr(activation, action)(*([person] if action in ("assign", "reassign") else []))
            return action

        return act

    def taken(self, *nodes: str, by: int = 0) -> None:
        for node in nodes:
            for which in range(len(self.tasks(node))):
                self.do("assign", node, by, which)()

    def whole(self, action: str) -> Callable[[], str]:
        """What a manager does to the whole process."""
        process = self.process

        def act() -> str:
            getattr(actions, action)(db.session(), process, self.people[0])
            return action

        return act

    def move(self, node: str, to: str, who: int = 0) -> Callable[[], str]:
        [task] = self.tasks(node)

        def act() -> str:
            with actions.activation(db.session(), task, self.people[who]) as activation:
                activation.move(to)
            return "move"

        return act

    def added(self, node: str, who: int = 0) -> Callable[[], str]:
        [task], process = self.tasks(node), self.process

        def act() -> str:
            actions.add_item(db.session(), process, task, {"n": who}, self.people[who])
            return "add"

        return act

    def fire(self, node: str) -> Callable[[], bool]:
        [task] = self.tasks(node)
        return lambda: timers.fire(db.session(), task)

    def later(self) -> None:
        self.tester.clock.offset += 2 * HOUR

    def claimed(self) -> Any:
        [task] = self.tasks("work")
        claim = jobs.claim(db.session(), task)
        assert claim is not None
        return claim

    def status(self) -> str:
        return str(db.session.scalar(select(Process.status).where(Process.id == self.process)))

    def count(self, *criteria: Any) -> int:
        return int(db.session.scalar(select(func.count()).where(*criteria)) or 0)

    def done(self, node: str) -> int:
        return self.count(Event.task_id.in_(self.tasks(node)), Event.to_state == "DONE")


# Each gives what is done at once; what comes of it is checked behind it.


def _two_cancel(w: World) -> Any:
    w.start(FormsFlow)
    yield [w.do("cancel", "first", 0), w.do("cancel", "first", 1)], [("cancel", REFUSED)]
    assert w.status() == "NEW"


def _two_hand_over(w: World) -> Any:
    w.start(FormsFlow)
    w.taken("first")
    yield [w.do("reassign", "first", 1), w.do("execute", "first", 0)], [
        ("execute", "reassign"), ("reassign", "PermissionDenied"), ("execute", REFUSED),
    ]  # fmt: skip


def _give_back_or_do(w: World) -> Any:
    w.start(FormsFlow)
    w.taken("first")
    yield [w.do("unassign", "first"), w.do("execute", "first")], [("execute", REFUSED), ("unassign", REFUSED)]


def _cancel_or_do(w: World) -> Any:
    w.start(FormsFlow)
    w.taken("first")
    yield [w.do("cancel", "first", 1), w.do("execute", "first")], [("execute", REFUSED), ("cancel", REFUSED)]
    assert len(w.tasks("second")) == w.done("first")


def _cancel_all_or_do(w: World) -> Any:
    w.start(FormsFlow)
    w.taken("first")
    yield [w.whole("cancel_process"), w.do("execute", "first")], [
        ("cancel_process", REFUSED), ("cancel_process", "execute"),
    ]  # fmt: skip
    assert w.status() == "CANCELED"
    assert w.count(Task.process_id == w.process, Task.finished.is_(None)) == 0


def _two_cancel_all(w: World) -> Any:
    w.start(FormsFlow)
    yield [w.whole("cancel_process")] * 3, [("cancel_process", REFUSED, REFUSED)]


def _undo_or_do(w: World) -> Any:
    w.start(FormsFlow)
    w.taken("first")
    w.do("execute", "first")()
    w.taken("second")
    yield [w.do("undo", "first", 1), w.do("execute", "second")], [("execute", REFUSED)]
    assert (w.done("second"), w.status()) == (1, "DONE")


def _undo_or_cancel_what_follows(w: World) -> Any:
    w.start(FormsFlow)
    w.taken("first")
    w.do("execute", "first")()
    yield [w.do("undo", "first", 1), w.do("cancel", "second")], [("cancel", REFUSED), ("cancel", "undo")]


def _revive_twice(w: World) -> Any:
    w.start(FormsFlow)
    w.do("cancel", "first")()
    yield [w.do("revive", "first", 0), w.do("revive", "first", 1)], [("revive", REFUSED)]
    assert len(w.tasks("first")) == 2


def _skip_or_do(w: World) -> Any:
    w.start(FormsFlow)
    w.taken("first")
    yield [w.do("skip", "first", 1), w.do("execute", "first")], [("execute", REFUSED), ("skip", REFUSED)]
    assert (w.done("first"), len(w.tasks("second"))) == (1, 1)


def _two_skip(w: World) -> Any:
    w.start(FormsFlow)
    yield (
        [w.do("skip", "first", 0), w.do("skip", "first", 1), w.do("skip", "first", 0)],
        [("skip", REFUSED, REFUSED)],
    )
    assert len(w.tasks("second")) == 1


def _skip_or_deadline(w: World) -> Any:
    w.start(FormsFlow)
    w.later()
    yield [w.do("skip", "first"), w.fire("first__timeout")], [("False", "skip"), ("True", REFUSED)]
    assert len(w.tasks("second")) + len(w.tasks("late")) == 1


def _move_or_do(w: World) -> Any:
    w.start(FormsFlow)
    w.taken("first")
    yield [w.move("first", "late"), w.do("execute", "first")], [("execute", REFUSED), ("move", REFUSED)]
    assert len(w.tasks("second")) + len(w.tasks("late")) == 1


def _two_move(w: World) -> Any:
    w.start(FormsFlow)
    yield [w.move("first", "second"), w.move("first", "late", 1)], [("move", REFUSED)]
    assert len(w.tasks("second")) + len(w.tasks("late")) == 1


def _move_or_branch_ends(w: World) -> Any:
    """One branch is moved to the join at the moment when the other one comes to it."""
    w.start(BranchesFlow)
    w.taken("left", "right")
    yield [w.move("left", "join"), w.do("execute", "right")], [("execute", "move")]
    assert (len(w.tasks("join")), w.done("join"), w.status()) == (1, 1, "DONE")


def _add_or_last_ends(w: World) -> Any:
    """An item comes at the moment when the last branch ends: the join waits for it, or it is refused."""
    w.start(ItemsFlow)
    w.taken("visit")
    yield [w.added("each"), w.do("execute", "visit")], [("add", "execute"), ("execute", REFUSED)]
    visits = len(w.tasks("visit"))
    assert (visits, len(w.tasks("after"))) in ((2, 0), (1, 1))


def _two_add(w: World) -> Any:
    w.start(ItemsFlow)
    yield [w.added("each"), w.added("each", 1), w.added("each")], [("add", "add", "add")]
    tokens = set(db.session.scalars(select(Task.token).where(Task.flow_task == "visit")))
    assert len(tokens) == 4


def _skip_or_job(w: World) -> Any:
    w.start(WorkFlow)
    [task] = w.tasks("work")
    yield [w.do("skip", "work"), lambda: jobs.claim(db.session(), task) is not None], [
        ("False", "skip"), ("True", REFUSED),
    ]  # fmt: skip


def _withdraw_or_do(w: World) -> Any:
    w.process = FormsFlow.start.run(_user=w.people[0]).id
    db.session.commit()
    w.taken("first")
    yield [w.whole("withdraw"), w.do("execute", "first")], [("execute", "withdraw"), ("withdraw", REFUSED)]
    assert w.status() == "CANCELED"


def _retry_twice(w: World) -> Any:
    w.start(FailsFlow)
    yield [w.whole("retry"), w.whole("retry")], [("retry", "retry")]
    assert w.count(Task.process_id == w.process, Task.finished.is_(None)) == 1


def _deadline_by_two(w: World) -> Any:
    w.start(FormsFlow)
    w.later()
    yield [w.fire("first__timeout")] * 3, [("False", "False", "True")]
    assert (w.done("late"), w.status()) == (1, "DONE")


def _deadline_or_cancel(w: World) -> Any:
    w.start(FormsFlow)
    w.later()
    yield [w.fire("first__timeout"), w.do("cancel", "first")], [("False", "cancel"), ("True", REFUSED)]


def _timer_by_two(w: World) -> Any:
    w.start(TimerFlow)
    w.later()
    yield [w.fire("wait")] * 3, [("False", "False", "True")]
    assert (w.done("wait"), w.status()) == (1, "DONE")


def _timer_or_suspend(w: World) -> Any:
    w.start(TimerFlow)
    w.later()
    yield [w.fire("wait"), w.whole("suspend")], [("False", "suspend"), ("True", REFUSED)]
    assert w.status() == ("DONE" if w.done("wait") else "SUSPENDED")


def _dispatchers(w: World) -> Any:
    for _ in range(6):
        w.start(TimerFlow)
    w.later()
    held: list[int] = []

    def claim() -> None:
        while found := timers.claim_due(db.session(), timers.now(), 2):
            held.extend(each.task_id for each in found)

    yield [claim] * 3, [("None", "None", "None")]
    assert (len(held), len(set(held))) == (6, 6)


def _two_resume(w: World) -> Any:
    w.start(FormsFlow)
    w.whole("suspend")()
    yield [w.whole("resume")] * 2, [("resume", REFUSED)]


def _job_or_cancel(w: World) -> Any:
    w.start(WorkFlow)
    claim = w.claimed()
    yield [lambda: jobs.perform(db.session(), claim), w.whole("cancel_process")], [
        ("None", "cancel_process"), ("None", REFUSED),
    ]  # fmt: skip
    assert w.status() == ("DONE" if w.done("work") else "CANCELED")


def _late_worker(w: World) -> Any:
    w.start(WorkFlow)
    late = w.claimed()
    db.session.execute(update(Task).where(Task.id == late.task_id).values(lease=timers.now() - HOUR))
    db.session.commit()
    jobs.reclaim(db.session())
    second = w.claimed()
    yield (
        [lambda: jobs.perform(db.session(), late), lambda: jobs.perform(db.session(), second)],
        [("None", "None")],
    )
    assert (w.done("work"), w.status()) == (1, "DONE")
    assert db.session.get_one(Process, w.process).data["by"] == 2


def _lost_and_alive(w: World) -> Any:
    """A worker says that it lives at the moment when it is taken for dead."""
    w.start(WorkFlow)
    claim = w.claimed()
    w.later()
    yield [lambda: jobs.heartbeat(db.session(), [claim]), lambda: jobs.reclaim(db.session())], [
        ("0", "None"), ("1", "None"),
    ]  # fmt: skip
    task = db.session.get_one(Task, claim.task_id)
    assert (task.status, task.failures, task.lease is None) in (("STARTED", 0, False), ("SCHEDULED", 1, True))


def _lost_for_two(w: World) -> Any:
    w.start(WorkFlow)
    w.claimed()
    w.later()
    yield [lambda: jobs.reclaim(db.session())] * 3, [("0", "0", "1")]


def _handed_back_or_done(w: World) -> Any:
    w.start(WorkFlow)
    claim = w.claimed()
    yield [lambda: jobs.hand_back(db.session(), claim), lambda: jobs.perform(db.session(), claim)], [
        ("False", "None"), ("None", "True"),
    ]  # fmt: skip
    assert w.status() == ("DONE" if w.done("work") else "NEW")


def _children_end(w: World) -> Any:
    w.start(CallFlow)
    w.taken("sign")
    yield [w.do("execute", "sign", which=0), w.do("execute", "sign", which=1)], [("execute", "execute")]
    assert (w.done("call"), w.status()) == (1, "DONE")


def _parent_or_child(w: World) -> Any:
    w.start(CallFlow)
    w.taken("sign")
    w.do("execute", "sign", which=0)()
    yield [w.whole("cancel_process"), w.do("execute", "sign", which=1)], [
        ("cancel_process", REFUSED), ("execute", REFUSED),
    ]  # fmt: skip
    assert w.status() == ("DONE" if w.done("call") else "CANCELED")


def _branches_meet(w: World) -> Any:
    w.start(BranchesFlow)
    w.taken("left", "right")
    yield [w.do("execute", "left"), w.do("execute", "right")], [("execute", "execute")]
    assert (w.done("join"), w.status()) == (1, "DONE")


def _branch_ends_as_the_other_goes(w: World) -> Any:
    w.start(BranchesFlow)
    w.taken("left", "right")
    yield [w.do("execute", "left"), w.do("cancel", "right")], [("cancel", "execute")]
    assert (w.done("join"), w.status()) == (1, "DONE")


def _first_wins(w: World) -> Any:
    w.start(RaceFlow)
    w.taken("red", "blue")
    yield [w.do("execute", "red"), w.do("execute", "blue")], [("execute", REFUSED)]
    assert w.status() == "DONE"


def _message_twice(w: World) -> Any:
    w.start(LetterFlow)
    w.taken("pack")
    w.do("execute", "pack")()
    process = w.process
    yield (
        [lambda: LetterFlow.letter.run(process=process, _key="k")] * 3,
        [
            ("None", "None", "None"),
            ("None", "None", REFUSED),  # it was over when the others came
            ("None", REFUSED, REFUSED),
        ],
    )
    assert db.session.get_one(Process, process).data["read"] == 1
    assert w.status() == "DONE"


def _message_or_catch(w: World) -> Any:
    w.start(LetterFlow)
    w.taken("pack")
    process = w.process
    yield [lambda: LetterFlow.letter.run(process=process), w.do("execute", "pack")], [("None", "execute")]
    assert db.session.get_one(Process, process).data["read"] == 1
    assert w.status() == "DONE"


def _bell_or_catch(w: World) -> Any:
    """Who is armed at the throw hears it, and nobody else does."""
    w.start(HearFlow)
    w.taken("gate")
    yield [w.do("execute", "gate"), lambda: BellFlow.start.run() and "rung"], [("execute", "rung")]
    signals.deliver_all(db.session())
    assert db.session.scalar(select(func.count(SignalDelivery.id))) == 0
    assert (w.status(), w.done("hear")) in (("NEW", 0), ("DONE", 1))
    if w.status() == "NEW":
        BellFlow.start.run()
    assert w.done("hear") == 1


def _two_bells(w: World) -> Any:
    w.start(HearFlow)
    w.taken("gate")
    w.do("execute", "gate")()
    yield [lambda: BellFlow.start.run() and "rung"] * 2, [("rung", "rung")]
    signals.deliver_all(db.session())
    assert (w.done("hear"), w.status()) == (1, "DONE")
    assert db.session.scalar(select(func.count(SignalDelivery.id))) == 0


def _schedulers(w: World) -> Any:
    schedules.fire(db.session())
    w.later()
    yield [lambda: schedules.fire(db.session())] * 3, [("0", "0", "1")]


def _senders(w: World) -> Any:
    w.start(FormsFlow)
    w.taken("first")
    yield [lambda: len(outbox.claim(db.session(), "hook"))] * 3, [("0", "0", "1")]
    assert db.session.scalar(select(func.max(Outgoing.attempt))) == 1


def _reminders(w: World) -> Any:
    w.start(FormsFlow)
    w.later()
    yield [lambda: reminders.turn(db.session())] * 3, [("0", "0", "1"), ("0", "1", "1"), ("1", "1", "1")]
    assert w.count(Outgoing.event == "late") == 1


RACES = (
    _two_cancel, _two_hand_over, _give_back_or_do, _cancel_or_do, _cancel_all_or_do, _two_cancel_all, _undo_or_do,
    _undo_or_cancel_what_follows, _revive_twice, _deadline_by_two, _deadline_or_cancel, _timer_by_two, _dispatchers,
    _timer_or_suspend, _two_resume, _job_or_cancel, _late_worker, _lost_and_alive, _lost_for_two,
    _handed_back_or_done, _children_end, _parent_or_child, _branches_meet, _branch_ends_as_the_other_goes, _first_wins,
    _message_twice, _message_or_catch, _bell_or_catch, _two_bells, _schedulers, _senders, _reminders,
    _skip_or_do, _two_skip, _skip_or_deadline, _move_or_do, _two_move, _move_or_branch_ends, _skip_or_job,
    _withdraw_or_do, _retry_twice, _add_or_last_ends, _two_add,
)  # fmt: skip


@pytest.fixture
def world(flow_tester: Any, make_user: Any) -> World:
    for each in FLOWS:
        flow_tester(each)
    return World(flow_tester, [make_user(name, is_superuser=True).id for name in ("alice", "bob")])


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__.strip("_"))
def test_one_goes_before_the_other(race: Any, world: World, at_once: Any) -> None:
    steps = race(world)
    at_the_same_time, allowed = next(steps)
    results = at_once(*at_the_same_time)
    outcome = tuple(sorted(_named(result) for result in results))
    assert outcome in [tuple(sorted(each)) for each in allowed], results
    assert next(steps, None) is None
    db.session.rollback()
    assert faults(db.session()) == []


def _named(result: Any) -> str:
    return type(result).__name__ if isinstance(result, Exception) else str(result)
