"""Many threads with sessions of their own: each thing happens once."""

from __future__ import annotations

import datetime as dt
import threading
from contextlib import suppress

import pytest

from portal import flow, jsonstore, this
from portal.engine import actions
from portal.engine.interpreter import messages
from portal.engine.queue import jobs, timers
from portal.errors import TransitionNotAllowed
from portal.models import Event, Message, Process, Task, db


class RaceFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.ManualTask().OnTimeout(dt.timedelta(0), this.late).Next(this.after)
    after = flow.Function(lambda a: a.process.data.update(after=a.process.data.get("after", 0) + 1)).Next(
        this.end
    )
    late = flow.End()
    end = flow.End()


class CallFlow(flow.Flow):
    start = flow.StartHandle().Next(this.wait)
    wait = flow.Handle(this.take).Next(this.end)
    end = flow.End()

    def take(self, activation):
        activation.process.data["taken"] = activation.process.data.get("taken", 0) + 1
        return "taken"


class MeetFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.item, task_data_source=lambda a: [{}] * 4)
    item = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


class PostProcess(Process):
    name = jsonstore.StringField()


class PostFlow(flow.Flow):
    """Its start takes as long as a test wants, with its catch armed already."""

    process_class = PostProcess
    start = flow.StartHandle(this.call_it).Next(this.split)
    split = flow.Split().Next(this.letter).Next(this.dawdle)
    letter = flow.MessageCatch(this.read).Next(this.join)
    dawdle = flow.Function(lambda activation: PostFlow.meanwhile()).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    meanwhile = staticmethod(lambda: None)

    def call_it(self, activation, name):
        activation.process.name = name
        return activation.process

    def read(self, activation, text):
        activation.process.data["text"] = text


class WorkFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.Job(lambda activation: None).Next(this.end)
    end = flow.End()


def acting(task_id, user_id, action):
    def act():
        with actions.activation(db.session(), task_id, user_id) as activation:
            getattr(activation, action)(*([user_id] if action == "assign" else []))
        return action

    return act


def outcomes(results):
    return sorted(type(r).__name__ if isinstance(r, Exception) else str(r) for r in results)


@pytest.fixture
def people(flow_tester, make_user):
    for flow_class in (RaceFlow, CallFlow, MeetFlow, WorkFlow, PostFlow):
        flow_tester(flow_class)
    return [make_user(name, is_superuser=True).id for name in ("alice", "bob", "carol", "dave")]


def test_several_take_one_task(session, people, at_once):
    task = RaceFlow.start.run().tasks[1]
    session.commit()
    task_id = task.id
    results = at_once(*(acting(task_id, user, "assign") for user in people))

    assert outcomes(results) == ["TransitionNotAllowed"] * 3 + ["assign"]
    winner = people[[isinstance(r, str) for r in results].index(True)]
    assert session.get_one(Task, task_id).owner_id == winner
    assert session.query(Event).filter_by(task_id=task_id, to_state="ASSIGNED").count() == 1


def test_one_form_sent_twice_at_once(session, people, at_once):
    task = RaceFlow.start.run().tasks[1]
    task_id = task.id
    acting(task_id, people[0], "assign")()
    session.commit()
    results = at_once(*[acting(task_id, people[0], "execute")] * 3)

    assert outcomes(results) == ["TransitionNotAllowed"] * 2 + ["execute"]
    process = session.get_one(Task, task_id).process
    assert process.data == {"after": 1}
    assert process.status == "DONE"


def test_a_handle_called_by_many(session, people, at_once):
    process = CallFlow.start.run()
    process_id = process.id
    session.commit()
    results = at_once(*[lambda: CallFlow.wait.run(process=process_id)] * 3)

    assert outcomes(results) == ["TransitionNotAllowed"] * 2 + ["taken"]
    assert all(isinstance(r, str | TransitionNotAllowed) for r in results)
    session.refresh(process)
    assert (process.data, process.status) == ({"taken": 1}, "DONE")


def test_the_last_branches_arrive_together(session, people, at_once):
    process = MeetFlow.start.run()
    items = [task.id for task in process.tasks if task.flow_task == "item"]
    for task_id, user in zip(items, people, strict=True):
        acting(task_id, user, "assign")()
    session.commit()
    results = at_once(
        *(acting(task_id, user, "execute") for task_id, user in zip(items, people, strict=True))
    )

    assert results == ["execute"] * 4
    session.refresh(process)
    assert process.status == "DONE"
    done = [task.flow_task for task in process.tasks if task.flow_task in ("join", "end")]
    assert sorted(done) == ["end", "join"]
    assert [task.number for task in process.tasks] == list(range(1, 9))


def test_a_deadline_against_a_person(session, people, at_once):
    process = RaceFlow.start.run()
    by_name = {task.flow_task: task.id for task in process.tasks}
    acting(by_name["work"], people[0], "assign")()
    session.commit()
    results = at_once(
        acting(by_name["work"], people[0], "execute"),
        lambda: timers.fire(db.session(), by_name["work__timeout"]),
        lambda: timers.fire(db.session(), by_name["work__timeout"]),
    )

    session.refresh(process)
    ended = [task.flow_task for task in process.tasks if task.flow_task in ("end", "late")]
    assert process.status == "DONE"
    if results[0] == "execute":
        assert (ended, results[1:]) == (["end"], [False, False])
    else:
        assert (ended, outcomes(results)) == (["late"], ["False", "TransitionNotAllowed", "True"])


def test_a_job_is_claimed_by_one_worker(session, people, at_once):
    process = WorkFlow.start.run()
    task_id = process.tasks[1].id
    session.commit()

    def work():
        claimed = jobs.claim(db.session(), task_id)
        if claimed is not None:
            jobs.perform(db.session(), claimed)
        return claimed is not None

    assert sorted(at_once(work, work, work)) == [False, False, True]
    session.refresh(process)
    assert process.status == "DONE"


def test_a_message_sent_while_its_receiver_is_being_made(session, people, at_once, monkeypatch):
    """Neither sees the other: the start is not committed when the receiver is looked for, and does not see the
    message when its catch is armed."""
    armed, sent = threading.Event(), threading.Event()
    monkeypatch.setattr(PostFlow, "meanwhile", staticmethod(lambda: (armed.set(), sent.wait(2))))

    def send():
        assert armed.wait(300)
        PostFlow.letter.run(_where={"name": "bee"}, text="hello")
        sent.set()

    at_once(lambda: PostFlow.start.run(name="bee").id, send)
    messages.deliver(session)
    process = session.scalars(db.select(PostProcess)).one()
    assert (process.status, process.data["text"]) == ("DONE", "hello")


def test_a_message_for_two_who_begin_at_once(session, people, at_once, monkeypatch):
    PostFlow.letter.run(_where={"name": "bee"}, text="hello")
    armed = threading.Barrier(2)

    def together():
        with suppress(threading.BrokenBarrierError):  # SQLite lets one of them begin after the other
            armed.wait(0.5)

    monkeypatch.setattr(PostFlow, "meanwhile", staticmethod(together))
    at_once(*[lambda: PostFlow.start.run(name="bee").id] * 2)
    messages.deliver(session)
    found = session.scalars(db.select(PostProcess)).all()
    assert sorted(process.status for process in found) == ["DONE", "NEW"]
    assert session.scalars(db.select(Message)).one().taken is not None
