"""Detour patterns: a task goes another way than the one that was planned for it."""

import datetime as dt

import pytest
from flask import current_app

from portal import flow, jsonstore, this, views
from portal.engine import drafts
from portal.errors import TransitionNotAllowed
from portal.models import Event, Process, create_user, db
from portal.queries import inbox


class ReportProcess(Process):
    text = jsonstore.TextField("Text")


class ReportFlow(flow.Flow):
    process_class = ReportProcess
    start = flow.StartHandle().Next(this.write)
    write = (
        flow.View(views.UpdateProcessView.as_view(fields=["text"]))
        .Permission(auto_create=True)
        .Next(this.check)
    )
    check = flow.ManualTask().Permission("report.can_write").Next(this.send)
    send = flow.ManualTask().Permission("report.can_write").Next(this.end)
    end = flow.End()


@pytest.fixture
def run(flow_tester):
    run = flow_tester(ReportFlow)
    run.start()
    return run


@pytest.fixture
def amy(run):
    return create_user("amy", "a long password", permissions=["report.can_write"])


@pytest.fixture
def ben(run):
    return create_user("ben", permissions=["report.can_write"])


def test_r27_delegation(run, amy, ben):
    """Somebody gives a task that is theirs to somebody else.

    *Assign to…*, `reassign`: to whoever holds the task's permission; the giver keeps sight of the process."""
    run.task("write").assign(amy)
    with run.task("write").task.activation(amy) as activation:
        activation.reassign(ben, reason="I am on the train.")
    assert run.task("write").owner == ben


class SlowFlow(flow.Flow):
    start = flow.StartHandle().Next(this.decide)
    decide = (
        flow.ManualTask().Assign(username="amy").OnTimeout(dt.timedelta(days=2), this.step_in).Next(this.end)
    )
    step_in = flow.ManualTask().Assign(username="chief").Next(this.end)
    end = flow.End()


def test_r28_escalation(flow_tester):
    """A task that gets stuck goes to somebody else.

    By itself: `.OnTimeout(span, this.step_in)`, with `repeat=` a reminder again and again. By a manager:
    *Assign to…*, *Redistribute* on the page of workload, a higher priority."""
    run = flow_tester(SlowFlow)
    create_user("amy")
    create_user("chief")
    run.start()
    run.advance(days=3)
    assert run.task("step_in").owner.username == "chief"


def test_r29_deallocation(run, amy, ben):
    """Somebody gives back a task, and it is offered again.

    *Give back*, `unassign`."""
    run.task("write").assign(amy).unassign()
    assert (run.task("write").status, run.task("write").owner) == ("NEW", None)
    run.task("write").assign(ben).execute(text="Fine.")


def test_r30_stateful_reallocation(run, amy, ben):
    """Somebody hands over a task that they have begun, with what is done of it.

    On the page *Assign to…* the owner may tick *with what I have typed*: the draft of the form goes along.
    What is stored in the process is there in any case."""
    run.task("write").assign(amy)
    address = f"/tasks/{run.task('write').task.id}/execute"
    drafts.save(db.session(), amy.id, address, run.task("write").task.id, [["text", "Half of it"]])
    browser = current_app.test_client()
    browser.post("/login", data={"username": "amy", "password": "a long password"})
    assert "with what I have typed" in browser.get(address.replace("execute", "reassign")).text
    browser.post(address.replace("execute", "reassign"), data={"user": "ben", "with_draft": "1"})
    assert drafts.read(db.session(), ben.id, address).typed == [["text", "Half of it"]]
    assert drafts.read(db.session(), amy.id, address) is None


def test_r31_stateless_reallocation(run, amy, ben):
    """Somebody hands over a task, and the other one begins anew.

    Without that tick, or when a manager takes it away: a draft is its writer's own, and nobody else reads
    it."""
    run.task("write").assign(amy)
    task = run.task("write").task
    address = f"/tasks/{task.id}/execute"
    drafts.save(db.session(), amy.id, address, task.id, [["text", "Half of it"]])
    run.task("write").reassign(ben)
    assert drafts.read(db.session(), ben.id, address) is None


def test_r32_suspension_resumption(run, amy):
    """Somebody lays a task aside and takes it up again.

    `snooze` hides it from the inbox until a moment (an empty one shows it again); a manager suspends and
    resumes the whole process, with its timers and jobs."""
    run.task("write").assign(amy)
    with run.task("write").task.activation(amy) as activation:
        activation.snooze(activation.now + dt.timedelta(hours=3), reason="Waits for an answer.")
    assert list(inbox(db.session(), amy)) == []
    with run.task("write").task.activation(amy) as activation:
        activation.snooze(None)
    assert [row.flow_task for row in inbox(db.session(), amy)] == ["write"]


def test_r33_skip(run):
    """A task is left out, and the process goes on behind it.

    `skip`, a manager's: the task is DONE, and nobody's."""
    run.task("write").skip(reason="It came by mail.")
    assert run.task("check").status == "NEW"


def test_r34_redo(run, amy):
    """A task that is done is done again.

    `move` takes the token back to an earlier step, as long as it is on its way; `undo` and `revive`, from
    the last task back, also where it has arrived. A manager's, for what others did in between is undone
    too."""
    run.task("write").assign(amy).execute(text="Fien.")
    run.task("check").move("write", reason="A mistake in it.")
    assert run.process.text == "Fien."
    run.task("write").assign(amy).execute(text="Fine.")
    assert [task.status for task in run.tasks("write")] == ["DONE", "DONE"]


def test_r35_pre_do(run, amy):
    """A task is done before its turn.

    `move` takes the token ahead, a manager's; what is left out can be done afterwards by moving back. A
    task that may be done early by everybody is branched off early, see 18."""
    run.task("write").move("check", reason="He signs before his holidays.")
    run.task("check").assign(amy).execute()
    run.task("send").move("write", reason="Now the text.")
    run.task("write").assign(amy).execute(text="Fine.")
    run.task("check").skip(reason="Done before.")
    run.task("send").assign(amy).execute()
    assert run.process.status == "DONE"
    with pytest.raises(TransitionNotAllowed):
        run.tasks("send")[0].move("write")
    moves = db.session.scalars(db.select(Event).where(Event.action == "move")).unique().all()
    assert [event.detail["reason"] for event in moves] == ["He signs before his holidays.", "Now the text."]
