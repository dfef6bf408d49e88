"""Incidents are written in the action in which a task fails, and closed in the one in which it leaves ERROR."""

import datetime as dt

import pytest
from sqlalchemy import func, select, update

from portal import flow, jsonstore, this
from portal.engine import actions, operation_items, operations
from portal.engine.failures import without_secrets
from portal.engine.incidents import normalised
from portal.errors import TransitionNotAllowed
from portal.models import Event, Incident, IncidentTask, Operation, Process, Task
from portal.queries import Filters
from portal.work import operations as work

fails = {"on": True, "with": ValueError}
seen = []


def mend(activation):
    seen.append(activation.process.id)
    if fails["on"]:
        raise fails["with"](f"order {activation.process.id} of '{activation.process.customer}' is locked")


class OrderProcess(Process):
    customer = jsonstore.StringField("Customer", default="Ann")


class OrderFlow(flow.Flow):
    process_class = OrderProcess
    start = flow.StartHandle().Next(this.mend)
    mend = flow.Function(mend).Next(this.wait)
    wait = flow.Handle().Next(this.end)
    end = flow.End()


class FineFlow(flow.Flow):
    process_class = OrderProcess
    start = flow.StartHandle().Next(this.wait)
    wait = flow.Handle().Next(this.end)
    end = flow.End()


@pytest.fixture
def orders(flow_tester):
    flow_tester(OrderFlow)
    flow_tester(FineFlow)
    fails.update({"on": True, "with": ValueError})
    seen.clear()

    def make(number):
        return [OrderFlow.start.run() for _ in range(number)]

    return make


def links(session):
    session.expire_all()
    return list(session.scalars(select(IncidentTask).order_by(IncidentTask.task_id)))


def failed(session):
    session.expire_all()
    return list(session.scalars(select(Task).where(Task.status == "ERROR").order_by(Task.id)).unique())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 12 is locked", "order 9871 is locked"),
        ("no key 'zone'", 'no key "area"'),
        ("cannot read /srv/a/b.txt", "cannot read /home/x/y/z.csv"),
        ("at 0x7f00aa12bb", "at 0x7f00ff99cc"),
        ("job 550e8400-e29b-41d4-a716-446655440000 lost", "job 123e4567-e89b-12d3-a456-426614174000 lost"),
        ("took 3.5 s at 10:30", "took 12 s at 9:05"),
        ("a\nb  c", "a b c"),
    ],
)
def test_messages_that_differ_by_values_alone_are_alike(one, other):
    assert normalised(one) == normalised(other)


def test_messages_that_differ_by_words_are_not_alike():
    assert normalised("the disk is full") != normalised("the disk is slow")
    assert normalised("it doesn't work, can't help") == "it doesn't work, can't help"
    assert len(normalised("x" * 10_000)) <= 300


@pytest.mark.parametrize(
    "text",
    [
        "https://bob:hunter2@example.com/x", "password=hunter2", "PASSWORD: 'hunter2'", "api_key=hunter2&x=1",
        "Authorization: Bearer hunter2hunter2", '{"access_token": "hunter2"}',
    ],
)  # fmt: skip
def test_secrets_are_taken_out(text):
    assert "hunter2" not in without_secrets(text)


def test_failures_alike_are_one_group(orders, session):
    orders(3)
    (group,) = session.scalars(select(Incident))
    assert (group.flow_label, group.flow_task, group.error) == ("order", "mend", "ValueError")
    assert group.message == "order … of … is locked"
    assert [link.closed for link in links(session)] == [None] * 3
    assert links(session)[0].data == {"customer": None}  # a default that nobody has confirmed
    fails["with"] = KeyError
    orders(1)
    assert session.scalar(select(func.count()).select_from(Incident)) == 2


def test_what_does_not_fail_costs_no_statement(orders, count):
    with count() as statements:
        FineFlow.start.run()
    assert not [sql for sql in statements if "incident" in sql]


def test_a_failure_costs_two_statements(orders, count):
    orders(1)
    with count() as statements:
        orders(1)
    assert len([sql for sql in statements if "portal_incident" in sql]) == 2, str(statements)


@pytest.mark.parametrize("action", ["revive", "skip", "cancel"])
def test_it_is_closed_by_what_solves_it(orders, session, action):
    orders(1)
    fails["on"] = False
    with actions.activation(session, failed(session)[0].id) as activation:
        getattr(activation, action)()
    (link,) = links(session)
    assert link.closed is not None
    assert link.closed_by == action
    assert (link.retry_id is not None) is (action == "revive")


def test_a_retry_that_fails_is_closed_and_opened_anew(orders, session):
    orders(1)
    with actions.activation(session, failed(session)[0].id) as activation:
        activation.revive()
    old, new = links(session)
    assert old.retry_id == new.task_id
    assert (old.closed is not None, new.closed) == (True, None)


def test_what_is_rolled_back_leaves_no_incident(orders, session):
    process = FineFlow.start.run()
    task = session.scalars(select(Task).where(Task.process_id == process.id, Task.flow_task == "wait")).one()

    def start_and_stop():
        with actions.activation(session, task):
            OrderFlow.start.run()
            raise TransitionNotAllowed("no")

    with pytest.raises(TransitionNotAllowed):
        start_and_stop()
    assert links(session) == []


def test_the_data_and_the_retry_are_one_transaction(orders, session):
    (process,) = orders(1)
    (task,) = failed(session)
    fails["on"] = False
    with actions.changing_data(session, process.id, retry=task.id) as found:
        found.customer = "Bea"
    assert failed(session) == []
    with (
        pytest.raises(TransitionNotAllowed),
        actions.changing_data(session, process.id, retry=task.id) as found,
    ):
        found.customer = "Cid"
    session.expire_all()
    assert session.get(OrderProcess, process.id).customer == "Bea"


# -- operations --------------------------------------------------------------------------------------------------


def begin(session, action="retry", **options):
    key = session.scalar(select(Incident.key))
    total = len(failed(session))
    return operations.begin(
        session, None, action, "task", operations.Scope("incident", key), total=total, **options
    )


def drain(session):
    while work.turn(session):
        pass


class Killed(BaseException):
    """What `kill -9` is to a test."""


def test_a_kill_at_any_statement_turns_to_none_twice(orders, session, monkeypatch):
    orders(5)
    fails["on"] = False
    begin(session)
    seen.clear()
    real, deaths = operation_items._advance, iter([True, False, True, False, False, True] + [False] * 20)

    def dying(*arguments, **values):
        dies, before = next(deaths), next(deaths)
        if dies and before:
            raise Killed
        real(*arguments, **values)
        if dies:
            raise Killed

    monkeypatch.setattr(operation_items, "_advance", dying)
    for _ in range(20):
        session.execute(update(Operation).values(scheduled=dt.datetime(2000, 1, 1, tzinfo=dt.UTC)))
        session.commit()
        try:
            drain(session)
            break
        except Killed:
            session.rollback()
    assert failed(session) == []
    operation = session.scalars(select(Operation)).one()
    assert (operation.state, operation.done, operation.refused) == ("DONE", 5, 0)
    revived = (
        select(func.count()).select_from(Event).where(Event.action == "revive", Event.to_state == "REVIVED")
    )
    assert session.scalar(revived) == 5


def test_a_worker_that_was_overtaken_does_nothing(orders, session):
    orders(2)
    fails["on"] = False
    begin(session)
    mine = operation_items.claim(session)
    first, second = [task.id for task in failed(session)]
    operation_items.act(session, mine, first)
    late = Operation(
        id=mine.id, cursor=0, user_id=None, action="retry", target="task", reason="", pause=0, scope={}
    )
    with pytest.raises(operation_items.Taken):
        operation_items.act(session, late, second)
    assert [task.id for task in failed(session)] == [second]


def test_two_workers_share_one_operation(orders, session, at_once):
    orders(12)
    fails["on"] = False
    begin(session)

    def worker():
        from portal.models import db

        drain(db.session())

    results = at_once(worker, worker)
    assert not [each for each in results if isinstance(each, BaseException)]
    drain(session)
    session.expire_all()
    operation = session.scalars(select(Operation)).one()
    assert (operation.state, operation.done, operation.refused) == ("DONE", 12, 0)


def test_who_is_deactivated_does_nothing_any_more(orders, session, make_user):
    orders(1)
    boss = make_user("boss", is_superuser=True)
    operations.begin(
        session, boss, "retry", "task", operations.Scope("ids", [failed(session)[0].id]), total=1
    )
    boss.is_active = False
    session.commit()
    drain(session)
    assert len(failed(session)) == 1
    assert session.scalars(select(Operation)).one().state == "CANCELED"


def test_a_list_of_processes_is_gone_through_once(orders, session, make_user):
    boss = make_user("boss", is_superuser=True)
    orders(3)
    scope = operations.Scope("filters", Filters(flow="order", state="attention").document())
    operations.begin(session, boss, "cancel", "process", scope, total=3)
    orders(1)  # comes later, and is not meant
    drain(session)
    assert len(failed(session)) == 1
    assert session.scalars(select(Operation)).one().done == 3


# -- when a timer or a job runs ----------------------------------------------------------------------------------


class NapFlow(flow.Flow):
    start = flow.StartHandle().Next(this.nap)
    nap = flow.Timer(dt.timedelta(days=3)).Next(this.end)
    end = flow.End()


def test_a_timer_runs_now_or_at_another_time(flow_tester, session, make_user):
    flow_tester(NapFlow)
    process = NapFlow.start.run()
    task = session.scalars(select(Task).where(Task.process_id == process.id, Task.flow_task == "nap")).one()
    later = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    with task.activation(make_user("boss", is_superuser=True)) as activation:
        activation.reschedule(later, reason="not yet")
    assert task.scheduled == later
    event = session.scalars(select(Event).where(Event.action == "reschedule")).one()
    assert (event.from_state, event.to_state, event.detail["reason"]) == ("SCHEDULED", "SCHEDULED", "not yet")
    with task.activation() as activation:
        activation.reschedule(dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
    flow_tester.clock.offset += dt.timedelta(seconds=1)
    from portal.engine.queue import timers

    timers.fire_all(session, timers.claim_due(session, timers.now(), 20))
    session.expire_all()
    assert session.get(Process, process.id).status == "DONE"
