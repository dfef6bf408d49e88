"""A node that fails is rolled back alone; the rest of the action is kept."""

from __future__ import annotations

import pytest
from sqlalchemy import ForeignKey
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import act, flow, jsonstore, this
from portal.errors import PortalError
from portal.models import Event, Process, Task, db


class Invoice(db.Model):
    __tablename__ = "engine_invoice"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)


class FailProcess(Process):
    way = jsonstore.StringField()
    text = jsonstore.StringField()


class FailFlow(flow.Flow):
    process_class = FailProcess

    start = flow.StartHandle(this.begin).Next(this.fill)
    fill = flow.View(this.form).Next(this.before)
    before = flow.Function(this.write_before).Next(this.work)
    work = flow.Function(this.do_work).Next(this.end)
    end = flow.End()

    def begin(self, activation, way="plain"):
        activation.process.way = way
        return activation.process

    def form(self, activation):
        activation.process.text = "typed by a person"
        activation.execute()
        return "ok"

    def write_before(self, activation):
        db.session.add(Invoice(number=1))

    def do_work(self, activation):
        activation.process.text = "half"
        activation.task.data["half"] = True
        way = activation.process.way
        if way == "done first":
            activation.done()
        if way in ("rows", "rows flushed"):
            db.session.add(Invoice(number=2))
            db.session.query(Invoice).filter_by(number=1).one().number = 3
        if way == "rows flushed":
            db.session.flush()
        if way == "pointer":
            activation.process.artifact = Invoice(number=4)
        if way == "duplicate":
            db.session.add(Invoice(number=1))
            db.session.flush()
        if way == "duplicate at the end":
            db.session.add(Invoice(number=1))
            return
        if way == "swallowed":
            db.session.add(Invoice(number=1))
            try:
                db.session.flush()
            except IntegrityError:
                return
        if way == "read":
            db.session.query(Invoice).all()
        if way == "commit":
            db.session.commit()
        if way == "rollback":
            db.session.rollback()
        raise ValueError(f"secret-free {way}")


WAYS = [
    "plain", "done first", "rows", "rows flushed", "pointer", "duplicate", "duplicate at the end", "swallowed",
    "read", "commit", "rollback",
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_failing_function_takes_its_own_work_back_and_no_more(flow_tester, session, way):
    run = flow_tester(FailFlow)
    run.start("start", way=way)
    run.task("fill").assign("alice").execute()

    assert run.path == ["start", "fill", "before"]
    assert run.process.text == "typed by a person"
    failed = run.task("work")
    assert failed.status == "ERROR"
    assert "half" not in failed.data
    assert run.process.artifact is None
    assert [invoice.number for invoice in session.query(Invoice)] == [1]
    assert run.process.status == "NEW"
    assert session.query(Event).filter_by(task_id=failed.id, to_state="ERROR").count() == 1

    run.task("work").cancel()
    assert run.tasks("work")[0].status == "CANCELED"


def test_what_is_kept_of_a_failure(flow_tester):
    run = flow_tester(FailFlow)
    run.start("start", way="plain")
    run.task("fill").assign("alice").execute()

    kept = run.task("work").data["_exception"]
    assert (kept["type"], kept["message"]) == ("ValueError", "secret-free plain")
    assert "do_work" in kept["traceback"]
    assert kept["time"].endswith("+00:00")


class ConditionFlow(flow.Flow):
    process_class = FailProcess

    start = flow.StartHandle().Next(this.ask)
    ask = flow.If(act.process.data["absent"]["deep"]).Then(this.end).Else(this.end)
    end = flow.End()


class NoCaseFlow(flow.Flow):
    start = flow.StartHandle().Next(this.ask)
    ask = flow.Switch().Case(this.end, lambda activation: False)
    end = flow.End()


class BadDataFlow(flow.Flow):
    start = flow.StartHandle().Next(this.ask)
    ask = flow.Split().Next(this.end, task_data_source=lambda activation: ["no mapping"])
    end = flow.End()


class BadAssignFlow(flow.Flow):
    start = flow.StartHandle().Next(this.ask)
    ask = flow.ManualTask().Assign(lambda activation: 1 / 0).Next(this.end)
    end = flow.End()


@pytest.mark.parametrize(
    ("flow_class", "error"),
    [
        (ConditionFlow, "KeyError"),
        (NoCaseFlow, "ValueError"),
        (BadDataFlow, "TypeError"),
        (BadAssignFlow, "ZeroDivisionError"),
    ],
)
def test_a_gateway_or_a_rule_that_raises_becomes_an_error(flow_tester, flow_class, error):
    run = flow_tester(flow_class)
    run.start()

    assert run.path == ["start"]
    assert run.task("ask").data["_exception"]["type"] == error
    fresh = run.task("ask").revive()
    assert [t.status for t in run.tasks("ask")] == ["REVIVED", "ERROR"]
    assert fresh.id == run.task("ask").id


class NoMoney(ValueError):
    pass


class Forgetful(flow.Function):
    """A node kind of an author's that forgets to answer."""

    def enter(self, activation):
        self.call(self.func, activation)


class ForgetfulFlow(flow.Flow):
    start = flow.StartHandle().Next(this.note)
    note = Forgetful(lambda a: a.process.data.update(noted=True)).Next(this.end)
    end = flow.End()


def test_a_node_that_answers_nothing_has_failed(flow_tester):
    run = flow_tester(ForgetfulFlow)
    run.start()
    assert run.task("note").status == "ERROR"
    assert run.task("note").data["_exception"]["message"] == "a node answers Done(…) or Wait(…), not None"
    assert "noted" not in run.process.data


class CatchFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.work)
    work = (
        flow.Function(this.do_work)
        .OnError(this.by_name, code="LookupError")
        .OnError(this.by_class, code=NoMoney)
        .OnError(this.by_all)
        .Next(this.end)
    )
    by_name = flow.End()
    by_class = flow.End()
    by_all = flow.End()
    end = flow.End()

    def begin(self, activation, error):
        activation.process.data["error"] = error
        return activation.process

    def do_work(self, activation):
        raise {"key": KeyError, "money": NoMoney, "other": OSError}[activation.process.data["error"]]("x")


@pytest.mark.parametrize(
    ("error", "boundary", "end"),
    [
        ("key", "work__error", "by_name"),
        ("money", "work__error_2", "by_class"),
        ("other", "work__error_3", "by_all"),
    ],
)
def test_an_error_event_catches_by_name_base_class_or_everything(flow_tester, error, boundary, end):
    run = flow_tester(CatchFlow)
    run.start(error=error)

    assert run.path == ["start", boundary, end]
    assert run.tasks("work")[0].status == "CANCELED"
    assert run.process.status == "DONE"
    assert run.tasks(boundary)[0].token == "start"


class StrictFlow(flow.Flow):
    propagate_errors = True

    start = flow.StartHandle().Next(this.work)
    work = flow.Function(lambda activation: 1 / 0).Next(this.end)
    end = flow.End()


class LaxFlow(flow.Flow):
    start = flow.StartHandle().Next(this.wait)
    wait = flow.Handle(this.take).Next(this.work)
    work = flow.Function(lambda activation: 1 / 0).Next(this.end)
    end = flow.End()

    def take(self, activation, fails=False):
        activation.process.data["taken"] = True
        if fails:
            raise OSError("mine")
        return "taken"


def test_a_strict_flow_raises_and_nothing_happened(flow_tester, session):
    flow_tester(StrictFlow)
    with pytest.raises(ZeroDivisionError):
        StrictFlow.start.run()
    assert session.query(Process).count() == session.query(Task).count() == session.query(Event).count() == 0


def test_a_caller_may_ask_for_the_error(flow_tester):
    run = flow_tester(LaxFlow)
    run.start()
    with pytest.raises(ZeroDivisionError):
        run.handle("wait", _propagate=True)
    assert run.task("wait").status == "STARTED"
    assert run.process.data == {}


def test_the_called_function_raises_to_its_caller_a_later_one_is_recorded(flow_tester):
    run = flow_tester(LaxFlow)
    run.start()
    with pytest.raises(OSError, match="mine"):
        run.handle("wait", fails=True)
    assert (run.task("wait").status, run.process.data) == ("STARTED", {})

    assert run.handle("wait") == "taken"
    assert run.task("work").status == "ERROR"
    assert run.process.data == {"taken": True}


class InnerFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.work)
    work = flow.Function(this.do_work).Next(this.end)
    end = flow.End()

    def begin(self, activation, fails=""):
        activation.process.data["fails"] = fails
        if fails == "start":
            raise KeyError("inner start")
        return activation.process

    def do_work(self, activation):
        if activation.process.data["fails"] == "later":
            raise KeyError("inner later")


class OuterFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.call)
    call = flow.Function(this.do_call).Next(this.end)
    end = flow.End()

    def begin(self, activation, way):
        activation.process.data["way"] = way
        return activation.process

    def do_call(self, activation):
        way = activation.process.data["way"]
        if way == "caught":
            with pytest.raises(KeyError):
                InnerFlow.start.run(fails="start")
        else:
            inner = InnerFlow.start.run(fails="" if way == "after" else way)
            activation.process.data["inner"] = inner.id
        if way == "after":
            raise ValueError("after the inner one")


@pytest.mark.parametrize(
    ("way", "call", "inner"),
    [
        ("", "DONE", ["DONE"]),
        ("start", "ERROR", []),
        ("later", "DONE", ["NEW"]),
        ("caught", "DONE", []),
        ("after", "ERROR", []),
    ],
)
def test_another_flow_started_inside_a_function(flow_tester, session, way, call, inner):
    flow_tester(InnerFlow)
    run = flow_tester(OuterFlow)
    run.start(way=way)

    assert run.tasks("call")[0].status == call
    assert [p.status for p in session.query(Process).filter_by(flow_label="inner")] == inner
    assert (run.process.status == "DONE") == (call == "DONE")
    numbers = [
        t.number for t in session.query(Task).filter_by(process_id=run.process.id).order_by(Task.number)
    ]
    assert numbers == list(range(1, len(numbers) + 1))


class MeddlingFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.work)
    work = flow.Function(this.do_work).Next(this.end)
    end = flow.End()

    def begin(self, activation, other=None):
        activation.process.data["other"] = other

    def do_work(self, activation):
        other = activation.process.data["other"]
        if other is not None:
            LaxFlow.wait.run(process=other)


def test_an_action_does_not_act_on_another_process(flow_tester):
    lax = flow_tester(LaxFlow)
    lax.start()
    run = flow_tester(MeddlingFlow)
    run.start(other=lax.process.id)

    assert run.task("work").data["_exception"]["type"] == PortalError.__name__
    assert lax.task("wait").status == "STARTED"


class LinkedNote(db.Model):
    """An author's own row that points at a task."""

    __tablename__ = "engine_linked_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey(Task.id))
    task: Mapped[Task] = relationship()


class NoteFlow(flow.Flow):
    process_class = FailProcess

    start = flow.StartHandle(this.begin).Next(this.note)
    note = flow.Function(this.write_note).Next(this.end)
    end = flow.End()

    def begin(self, activation, way="kept"):
        activation.process.way = way
        return activation.process

    def write_note(self, activation):
        task, process = activation.task, activation.process
        db.session.add(LinkedNote(task=task))
        if process.way == "by key":
            assert task.id > 0
        if process.way == "read":
            assert [each.flow_task for each in process.tasks] == ["start", "note"]
            assert [each.flow_task for each in task.previous] == ["start"]
            assert task.previous[0].leading == [task]
            assert db.session.query(LinkedNote).filter_by(task_id=task.id).count() == 1
        if process.way in ("fails", "fails behind a statement"):
            if process.way != "fails":
                db.session.flush()
            raise ValueError("no")


@pytest.mark.parametrize("way", ["kept", "by key", "read", "fails", "fails behind a statement"])
def test_an_authors_row_may_point_at_the_task_that_writes_it(flow_tester, session, way):
    flow_tester(NoteFlow)
    process = NoteFlow.start.run(way=way)
    tasks = {task.flow_task: task for task in process.tasks}
    notes = session.query(LinkedNote).all()
    if way.startswith("fails"):
        assert (tasks["note"].status, notes, process.status) == ("ERROR", [], "NEW")
    else:
        assert [note.task for note in notes] == [tasks["note"]]
        assert process.status == "DONE"
    assert tasks["note"].previous == [tasks["start"]]


@pytest.mark.parametrize("way", ["fails", "fails behind a statement"])
def test_what_is_rolled_back_leaves_nothing_in_the_session(flow_tester, session, way):
    flow_tester(NoteFlow)
    with pytest.raises(ValueError):
        NoteFlow.start.run(way=way, _propagate=True)
    assert not [each for each in session if isinstance(each, (Task, Process, LinkedNote))]
    assert NoteFlow.start.run().status == "DONE"  # under the keys that the rollback has given back
