"""An author's code that acts on processes itself: within the action it is part of, or from a job."""

from __future__ import annotations

import pytest

from portal import flow, this
from portal.models import Event, Process, User, db


class WithinFlow(flow.Flow):
    """Two branches; the code of one of them does what the test asks for, in the first action of the process."""

    start = flow.StartHandle(this.begin).Next(this.split)
    split = flow.Split().Next(this.other).Next(this.act)
    other = flow.Handle(this.hear).Next(this.join)
    act = flow.Function(this.do).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def begin(self, activation, do):
        activation.process.data["do"] = do

    def do(self, activation):
        getattr(self, activation.process.data["do"])(activation)

    def hear(self, activation, word="", fails=False):
        activation.process.data["word"] = word
        if fails:
            raise ValueError(word)

    def complete(self, activation):
        WithinFlow.other.run(process=activation.process, word="well")

    def cancel_all(self, activation):
        activation.process.cancel()

    def catch(self, activation):
        activation.process.data["kept"] = True
        (other,) = (task for task in activation.process.tasks if task.flow_task == "other")
        with pytest.raises(ZeroDivisionError):
            self.spoil(other)

    def spoil(self, task):
        with task.activation() as waiting:
            waiting.process.data["word"] = "lost"
            waiting.cancel()
            raise ZeroDivisionError

    def start_others(self, activation):
        data = activation.process.data
        bob = db.session.query(User).filter_by(username="bob").one()
        data["theirs"] = HeardFlow.start.run(_user=bob).id
        data["nobodys"] = HeardFlow.start.run().id


class HeardFlow(flow.Flow):
    start = flow.StartHandle(lambda activation: activation.process).Next(this.wait)
    wait = flow.Handle().Next(this.end)
    end = flow.End()


class CallingFlow(flow.Flow):
    """A job speaks to its own process and to others, each in a transaction of its own."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.call).Next(this.wait)
    call = flow.Job(this.work).Next(this.join)
    wait = flow.Handle(lambda activation, word: activation.process.data.update(word=word)).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def work(self, activation):
        HeardFlow.wait.run(process=HeardFlow.start.run())
        CallingFlow.wait.run(process=activation.process, word="from the job")


def test_a_handle_of_a_process_that_has_just_begun(flow_tester):
    run = flow_tester(WithinFlow)
    run.start("start", do="complete")
    assert run.process.status == "DONE"
    assert run.process.data["word"] == "well"
    assert run.path == ["start", "split", "other", "act", "join", "end"]


def test_code_may_cancel_its_own_process(flow_tester):
    run = flow_tester(WithinFlow)
    run.start("start", user="alice", do="cancel_all")
    assert run.process.status == "CANCELED"
    assert run.tasks("act")[0].status == run.tasks("other")[0].status == "CANCELED"
    assert run.tasks("join") == []


def test_what_fails_within_and_is_caught_is_taken_back_alone(flow_tester):
    run = flow_tester(WithinFlow)
    run.start("start", do="catch")
    assert run.process.data == {"do": "catch", "kept": True}
    assert run.task("other").status == "STARTED"
    run.handle("other", word="later")
    assert run.process.status == "DONE"
    assert len(run.tasks("join")) == 1


def test_who_acts_within_an_action(flow_tester, make_user):
    flow_tester(HeardFlow)
    run = flow_tester(WithinFlow)
    make_user("bob")
    run.start("start", user="alice", do="start_others")
    theirs = db.session.get(Process, run.process.data["theirs"])
    nobodys = db.session.get(Process, run.process.data["nobodys"])

    assert theirs.created_by.username == "bob"
    assert nobodys.created_by is None
    assert _names(theirs) == {"bob"}
    assert _names(nobodys) == _names(run.process) == {"alice"}, (
        "what the system does in alice's action is hers"
    )


def _names(process):
    return {event.user.username for event in db.session.query(Event).filter(Event.process == process)}


def test_a_job_acts_on_its_own_process(flow_tester):
    flow_tester(HeardFlow)
    run = flow_tester(CallingFlow)
    run.start("start")
    run.jobs()
    assert run.process.status == "DONE"
    assert run.process.data["word"] == "from the job"
    assert db.session.query(Process).filter(Process.flow_class == "heard").one().status == "DONE"
