"""Messages wait for their receiver, and are taken once."""

import datetime as dt

import pytest

from portal import flow, jsonstore, this
from portal.errors import PortalError, TransitionNotAllowed
from portal.models import Message, Process, Task, create_user, db


class ParcelProcess(Process):
    number = jsonstore.IntegerField("Number")


class ParcelFlow(flow.Flow):
    process_class = ParcelProcess
    start = flow.StartHandle(this.begin).Next(this.pack)
    pack = flow.Handle().Next(this.arrived)
    arrived = flow.MessageCatch(this.note).Next(this.end)
    end = flow.End()

    def begin(self, activation, number=None):
        activation.process.number = number

    def note(self, activation, where, fail=False):
        if fail:
            raise ValueError("no such place")
        activation.process.data["where"] = where
        return where


@pytest.fixture
def run(flow_tester):
    run = flow_tester(ParcelFlow)
    run.start("start", number=7)
    return run


def test_a_message_reaches_the_catch_that_waits(run):
    run.handle("pack")
    assert run.handle("arrived", where="Basel") == "Basel"
    assert run.process.status == "DONE"


def test_a_message_that_comes_too_early_is_kept_and_taken_once(run):
    run.handle("arrived", where="Basel")
    assert run.process.status == "NEW"
    run.handle("pack")
    assert run.process.data["where"] == "Basel"
    assert run.path == ["start", "pack", "arrived", "end"]


@pytest.mark.parametrize("kind", ["process", "task", "_user"])
def test_an_object_of_another_model_is_refused(run, kind, session):
    """Its id is that of another row of the right one."""
    process, task = run.process, session.get(Task, run.task("pack").id)
    person = create_user("ann")
    others = {"process": (task, person), "task": (process, person), "_user": (task, process)}[kind]
    needed = {"process": "Process", "task": "Task", "_user": "User"}[kind]
    for wrong in (*others, "1", 1.0, True, Process):
        with pytest.raises(TypeError, match=f"a {needed} or its id is needed, not "):
            ParcelFlow.pack.run(**{kind: wrong}, **({"process": process} if kind == "_user" else {}))
    assert run.task("pack").status == "STARTED"


def test_a_keyword_that_nobody_takes_is_refused_and_not_kept(run):
    with pytest.raises(TypeError, match="the function of arrived takes no 'wehre'; did you mean where\\?"):
        run.handle("arrived", wehre="Basel")
    with pytest.raises(TypeError, match="pack has no function that could take where"):
        run.handle("pack", where="Basel")
    run.handle("pack")
    assert run.task("arrived").status == "STARTED"


@pytest.mark.parametrize("envelope", [{}, {"_key": "7"}, {"_where": {"number": 9}}])
def test_one_that_lacks_what_its_function_needs_is_refused_and_not_kept(run, envelope):
    """It would fail the task when it is taken, and nobody could tell the sender any more."""
    receiver = {} if "_where" in envelope else {"process": run.process}
    with pytest.raises(TypeError, match="the function of arrived: missing a required argument: 'where'"):
        ParcelFlow.arrived.run(**receiver, **envelope)
    assert db.session.scalar(db.select(db.func.count(Message.id))) == 0
    run.handle("pack")
    assert run.task("arrived").status == "STARTED"


def test_the_receiver_can_be_named_by_its_fields(run):
    ParcelFlow.arrived.run(_where={"number": 7}, where="Bern")
    run.handle("pack")
    assert run.process.data["where"] == "Bern"


def test_a_message_may_come_before_its_process(flow_tester):
    flow_tester(ParcelFlow)
    ParcelFlow.arrived.run(_where={"number": 9}, where="Genf")
    other, run = flow_tester(ParcelFlow), flow_tester(ParcelFlow)
    other.start("start", number=8)
    other.handle("pack")
    run.start("start", number=9)
    run.handle("pack")
    assert run.process.data["where"] == "Genf"
    assert other.task("arrived").status == "STARTED"


@pytest.mark.parametrize("armed", [True, False])
def test_sent_twice_taken_once(flow_tester, armed):
    runs = [flow_tester(ParcelFlow) for _ in range(2)]
    for run in runs:
        run.start("start", number=7)
        if armed:
            run.handle("pack")
    runs[0].handle("arrived", where="Basel", _key="m1")
    runs[0].flow_class.arrived.run(process=runs[1].process, where="Bern", _key="m1")
    if not armed:
        for run in runs:
            run.handle("pack")
    assert [run.process.status for run in runs] == ["DONE", "NEW"]


def test_a_message_is_forgotten_after_its_time(run):
    run.handle("arrived", where="Basel", _ttl=dt.timedelta(hours=1))
    run.advance(hours=2)
    run.handle("pack")
    assert run.task("arrived").status == "STARTED"


def test_one_for_a_process_that_is_over_is_refused(run):
    run.process.cancel()
    with pytest.raises(TransitionNotAllowed, match="over"):
        run.handle("arrived", where="Basel")


def test_one_that_cannot_be_kept_says_why(run):
    with pytest.raises(PortalError, match="JSON"):
        run.handle("arrived", where=object())


def test_a_kept_message_whose_function_fails_is_there_again_for_revive(run):
    run.handle("arrived", where="Basel", fail=True)
    run.handle("pack")
    assert run.task("arrived").data["_exception"]["message"] == "no such place"
    run.task("arrived").revive()
    assert [task.status for task in run.tasks("arrived")] == ["REVIVED", "ERROR"]


def test_one_that_comes_while_its_process_is_suspended_is_taken_after_that(run):
    run.handle("pack")
    run.process.suspend()
    ParcelFlow.arrived.run(process=run.process, where="Basel", _key="7")
    run.advance(seconds=1)
    assert run.process.status == "SUSPENDED"
    run.process.resume()
    run.advance(seconds=1)
    assert (run.process.status, run.process.data["where"]) == ("DONE", "Basel")


@pytest.mark.parametrize("envelope", [{}, {"_key": "7"}])
@pytest.mark.parametrize("waits", [True, False])
def test_a_suspended_process_keeps_a_message_however_it_is_sent(run, waits, envelope):
    if waits:
        run.handle("pack")
    run.process.suspend()
    assert ParcelFlow.arrived.run(process=run.process, where="Basel", **envelope) is None
    run.advance(seconds=1)
    assert "where" not in run.process.data
    run.process.resume()
    if not waits:
        run.handle("pack")
    run.advance(seconds=1)
    assert (run.process.status, run.process.data["where"]) == ("DONE", "Basel")


def test_one_meets_its_receiver_when_that_gets_its_name(run):
    """The catch waits already when a field of its process comes to fit."""
    run.handle("pack")
    ParcelFlow.arrived.run(_where={"number": 8}, where="Bern")
    run.advance(seconds=1)
    assert run.process.status == "NEW"
    run.process.number = 8
    db.session.commit()
    run.advance(seconds=1)
    assert run.process.data["where"] == "Bern"
