"""The history keeps what a form has changed: old and new values, bounded, and no bytes of files."""

import pytest

from portal import flow, jsonstore, this, views
from portal.engine import actions, corrections
from portal.models import Event, Process, User, db


class Enclosure(jsonstore.Schema):
    name = jsonstore.StringField("Name")
    scan = jsonstore.BinaryField("Scan")


class OrderProcess(Process):
    item = jsonstore.StringField("Item")
    number = jsonstore.IntegerField("Number")
    text = jsonstore.TextField("Text")
    paper = jsonstore.BinaryField("Paper")
    enclosures = jsonstore.EmbeddedListField(Enclosure, "Enclosures")


class OrderFlow(flow.Flow):
    process_class = OrderProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["item", "number"])).Next(this.check)
    check = flow.View(views.UpdateProcessView.as_view(fields=["item", "text"])).Next(this.end)
    end = flow.End()


@pytest.fixture
def run(flow_tester):
    run = flow_tester(OrderFlow)
    run.start("start", user="alice", item="Paper", number=2)
    return run


def changes(run, action):
    query = db.select(Event).where(Event.process_id == run.process.id, Event.action == action)
    return [each.detail.get("changes") for each in db.session.scalars(query.order_by(Event.id)).unique()]


def test_a_start_keeps_what_was_entered(run):
    process, task = changes(run, "start")
    assert (process, task) == (None, {"item": [None, "Paper"], "number": [None, 2]})


def test_a_form_keeps_the_old_and_the_new_value_of_what_it_changed(run):
    run.task("check").assign("bob").execute(item="Paper, white", text="")
    assert changes(run, "execute") == [{"item": ["Paper", "Paper, white"]}]


def test_a_form_that_changes_nothing_keeps_nothing(run):
    run.task("check").assign("bob").execute(item="Paper")
    assert changes(run, "execute") == [None]


def test_taking_and_finishing_in_one_action_is_no_change_of_everything(run):
    bob = User(username="bert", is_superuser=True)
    db.session.add(bob)
    db.session.commit()
    with run.task("check").task.activation(bob) as activation:
        activation.assign()
        activation.process.number = 3
        activation.execute()
    assert changes(run, "execute") == [{"number": [2, 3]}]


def test_long_values_are_cut_and_bytes_of_files_are_not_kept(run):
    run.task("check").assign("bob")
    with run.task("check").task.activation(run.task("check").task.owner) as activation:
        activation.process.text = "x" * 10_000
        activation.process.paper = b"secret" * 100
        activation.process.enclosures = [{"name": "A", "scan": b"secret"}]
        activation.execute()
    (kept,) = changes(run, "execute")
    assert kept["text"] == [None, "x" * corrections.LONGEST + "…"]
    assert kept["paper"] == [None, "(file)"]
    assert kept["enclosures"][1] == [{"name": "A", "scan": "(file)"}]


def test_a_correction_keeps_the_same_form(run):
    with actions.changing_data(db.session(), run.process.id, None, "a slip") as process:
        process.number = 5
    assert changes(run, "data") == [{"number": [2, 5]}]
