"""A manager sends a process a message or a signal, and adds an item to a step that runs once for each."""

import pytest

from portal import flow, jsonstore, this
from portal.engine import actions
from portal.errors import TransitionNotAllowed
from portal.models import AuditRow, Event, Process, Task, db


class TripProcess(Process):
    answer = jsonstore.StringField("Answer")
    town = jsonstore.StringField("Town")


class VisitFlow(flow.Flow):
    """Visit"""

    process_class = TripProcess
    start = flow.StartHandle(this.begin).Next(this.go)
    go = flow.ManualTask().Next(this.end)
    end = flow.End()

    def begin(self, activation, item):
        activation.process.town = item["town"] if isinstance(item, dict) else item.title()


class TripFlow(flow.Flow):
    """Trip"""

    process_class = TripProcess
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.hear).Next(this.visits).Next(this.rounds).Next(this.wait)
    hear = flow.MessageCatch(this.take).Next(this.join)
    visits = flow.NSubprocess(VisitFlow.start, ["oslo"]).Next(this.join)
    rounds = flow.NSubprocess(VisitFlow.start, ["rome", "bern"], sequential=True).Next(this.join)
    wait = flow.SignalCatch("thaw").Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def take(self, activation, answer):
        activation.process.answer = answer


class PollFlow(flow.Flow):
    """Poll"""

    start = flow.StartHandle().Next(this.split)
    split = (
        flow.Split()
        .Next(this.ask, task_data_source=lambda activation: [{"town": "Oslo"}, {"town": "Örebro"}])
        .Next(this.tell, task_data_source=lambda activation: [])
        .Next(this.join)
    )
    ask = flow.ManualTask().Next(this.join)
    tell = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


@pytest.fixture
def erin(client_of):
    return client_of("erin")


@pytest.fixture
def trip(register, people):
    register(VisitFlow)
    register(TripFlow)
    return TripFlow.start.run().id


def history(process_id, action):
    db.session.expire_all()
    query = db.select(Event).where(Event.process_id == process_id, Event.action == action).order_by(Event.id)
    return [
        (event.user and event.user.username, dict(event.detail))
        for event in db.session.scalars(query).unique()
    ]


def towns(task_name):
    db.session.expire_all()
    query = (
        db.select(TripProcess)
        .join(Task, Task.id == Process.parent_task_id)
        .where(Task.flow_task == task_name)
    )
    return [child.town for child in db.session.scalars(query.order_by(Process.id)).unique()]


def finish_visits(task_name):
    query = db.select(Task).join(Task.process).where(Task.flow_task == "go", Task.finished.is_(None))
    for task in db.session.scalars(query.order_by(Task.id)).unique().all():
        if task.process.parent_task.flow_task == task_name:
            with actions.activation(db.session(), task.id) as activation:
                activation.skip()


def test_a_message_or_a_signal_says_before_what_it_does_and_stays_in_the_history(erin, trip):
    page = erin.get(f"/processes/{trip}/send").text
    assert "“Hear” waits for it now and continues." in page
    assert "It reaches 1 process that waits for it now." in page
    sent = {"what": "message:hear", "data": '{"answer": "yes"}', "reason": "They phoned"}
    assert erin.post(f"/processes/{trip}/send", data=sent).location == f"/processes/{trip}"
    assert db.session.get(TripProcess, trip, populate_existing=True).answer == "yes"
    assert history(trip, "send") == [("erin", {"message": "hear", "reason": "They phoned"})]
    assert erin.post(f"/processes/{trip}/send", data={"what": "signal:thaw"}).status_code == 303
    assert history(trip, "send")[1] == ("erin", {"signal": "thaw"})
    assert "Kept until “Hear” waits for it." in erin.get(f"/processes/{trip}/send").text
    page = erin.get(f"/processes/{trip}").text
    assert "They phoned" in page
    assert "“thaw”" in page
    assert (
        db.session.scalars(db.select(AuditRow.action).where(AuditRow.action == "send")).all() == ["send"] * 2
    )


def test_what_cannot_be_sent_is_told_and_nothing_is_done(erin, trip):
    for wrong in (
        {}, {"what": "message:none"}, {"what": "message:hear", "data": "yes"}, {"what": "message:hear", "data": "[1]"},
        {"what": "message:hear", "data": '{"_a": 1}'}, {"what": "message:hear", "data": '{"answer": NaN}'},
        {"what": "message:hear", "data": '{"other": 1}'}, {"what": "message:hear", "data": '{"answer": 1}'},
    ):  # fmt: skip
        answer = erin.post(f"/processes/{trip}/send", data=wrong)
        assert answer.status_code == 422, wrong
        assert "data-error-summary" in answer.text
    assert history(trip, "send") == []


def test_items_are_added_while_the_step_runs(erin, trip):
    visits, rounds = (
        db.session.scalar(db.select(Task.id).where(Task.flow_task == name)) for name in ("visits", "rounds")
    )
    assert "Add item…" in erin.get(f"/processes/{trip}").text

    def add(task_id, item, code=303, **data):
        answer = erin.post(f"/processes/{trip}/add", data={"step": task_id, "item": item, **data})
        assert answer.status_code == code

    add(visits, "paris", reason="Forgotten")
    add(visits, '{"town": "Lima"}')
    add(rounds, "cairo")
    add(visits, "", 422)
    add(visits, "7", 422)  # the start's function refuses it: nothing happened
    add("999", "x", 422)
    assert towns("visits") == ["Oslo", "Paris", "Lima"]
    assert history(trip, "add") == [
        ("erin", {"item": "paris", "reason": "Forgotten"}), ("erin", {"item": {"town": "Lima"}}),
        ("erin", {"item": "cairo"}),
    ]  # fmt: skip
    for seen in (["Rome"], ["Rome", "Bern"], ["Rome", "Bern", "Cairo"]):
        assert towns("rounds") == seen
        finish_visits("rounds")
    finish_visits("visits")
    db.session.expire_all()
    assert [db.session.get(Task, each).status for each in (visits, rounds)] == ["DONE", "DONE"]
    with pytest.raises(TransitionNotAllowed):
        actions.add_item(db.session(), trip, visits, "x")
    db.session.rollback()
    assert erin.get(f"/processes/{trip}/add").status_code == 409


def test_an_item_is_added_to_a_split_that_has_a_branch_for_each(erin, register, people):
    register(PollFlow)
    poll = PollFlow.start.run().id
    assert "Add item…" in erin.get(f"/processes/{poll}").text
    page = erin.get(f"/processes/{poll}/add").text
    assert "2 branches so far. One more branch begins at “Ask” now, and “Join” waits for it, too." in page
    assert "0 branches so far. One more branch begins at “Tell”" in page
    assert "{&#34;town&#34;: &#34;Örebro&#34;}" in page, "what the others are"
    split = db.session.scalar(db.select(Task.id).where(Task.flow_task == "split"))

    def add(branch, item, code):
        answer = erin.post(f"/processes/{poll}/add", data={"step": f"{split}:{branch}", "item": item})
        assert answer.status_code == code
        return answer.text

    assert "The items of this step are objects" in add("ask", "Bern", 422)
    assert "Nothing takes a value called" in add("ask", '{"_exception": 1}', 422)
    assert "Choose a step." in add("join", '{"town": "Bern"}', 422)
    add("tell", '{"town": "Bern"}', 303)
    assert history(poll, "add") == [
        ("erin", {"item": {"town": "Bern"}, "step": "split", "to": "tell"}),
    ]  # fmt: skip
    assert "{&#34;town&#34;: &#34;Bern&#34;}" in erin.get(f"/processes/{poll}").text
    for task_id in db.session.scalars(db.select(Task.id).where(Task.flow_task.in_(["ask", "tell"]))).all():
        with actions.activation(db.session(), task_id) as activation:
            activation.skip()
    page = erin.get(f"/processes/{poll}/add")
    assert page.status_code == 409


def test_what_is_over_says_why_it_takes_no_item(erin, register, people):
    register(PollFlow)
    poll = PollFlow.start.run().id
    split = db.session.scalar(db.select(Task.id).where(Task.flow_task == "split"))
    page = erin.get(f"/processes/{poll}/add")
    assert page.status_code == 200
    task_ids = db.session.scalars(db.select(Task.id).where(Task.flow_task == "ask")).all()
    db.session.rollback()
    for task_id in task_ids:
        with actions.activation(db.session(), task_id) as activation:
            activation.skip()
    late = erin.post(f"/processes/{poll}/add", data={"step": f"{split}:ask", "item": "{}"})
    assert late.status_code == 409
