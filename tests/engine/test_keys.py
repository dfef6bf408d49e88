"""A function may ask for the keys of its process and task, though the action that makes them is still under way."""

import datetime as dt

import pytest

from portal import flow, this
from portal.models import Process, db


class AskingFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.split)
    split = flow.Split().Next(this.first).Next(this.second)
    first = flow.Function(this.ask).Next(this.join)
    second = flow.Function(this.ask).Next(this.join)
    join = flow.Join().Next(this.wait)
    wait = flow.Timer(this.moment).Next(this.end)
    end = flow.End()

    def begin(self, activation):
        activation.process.data["begun"] = activation.process.id
        return activation.process

    def ask(self, activation):
        told = activation.process.data.setdefault("told", [])
        told.append([activation.process.id, activation.task.id])

    def moment(self, activation):
        activation.process.data["waits"] = activation.task.id
        return dt.timedelta(days=1)


class FailingFlow(flow.Flow):
    start = flow.StartHandle().Next(this.ask)
    ask = flow.Function(this.fail).Next(this.end)
    end = flow.End()

    def fail(self, activation):
        activation.process.data["half"] = activation.task.id
        raise ValueError("no")


def keys(process):
    return {task.flow_task: task.id for task in process.tasks}


def test_keys_are_there_when_they_are_asked_for(register):
    register(AskingFlow)
    process = AskingFlow.start.run()
    found = keys(process)
    assert process.data["begun"] == process.id
    assert process.data["told"] == [[process.id, found["first"]], [process.id, found["second"]]]
    assert process.data["waits"] == found["wait"]


def test_asking_leaves_nothing_behind_of_a_function_that_fails(register):
    register(FailingFlow)
    process = FailingFlow.start.run()
    assert "half" not in process.data
    assert [task.status for task in process.tasks] == ["DONE", "ERROR"]


@pytest.mark.parametrize("stored", [False, True])
def test_outside_of_an_action_nothing_is_stored_by_asking(app, stored):
    process = Process(flow_label="asking")
    if stored:
        db.session.add(process)
    assert process.id is None
    db.session.rollback()
