"""The page of incidents: groups, one of them, and what is done about all that failed alike."""

import datetime as dt

import pytest

from portal import flow, jsonstore, this, views
from portal.engine import operations
from portal.models import Event, IncidentTask, Operation, OperationRefusal, Process, Task, db
from portal.work import operations as work

BROKEN = {"on": True}


class BillProcess(Process):
    iban = jsonstore.StringField("IBAN")
    amount = jsonstore.IntegerField("Amount", default=1)
    note = jsonstore.StringField("Note", visible_to="nobody.may")


def pay(activation):
    if BROKEN["on"] and activation.process.iban != "good":
        raise ConnectionError(
            f"https://bob:hunter2@bank.example/{activation.process.id} timed out after 30 s"
        )


class BillFlow(flow.Flow):
    """Bills"""

    process_class = BillProcess
    process_summary_template = "{{ process.amount }} to {{ process.iban }}"
    start = flow.Start(views.CreateProcessView.as_view(fields=["iban", "amount"])).Next(this.pay)
    pay = flow.Function(pay).Next(this.book)
    book = (
        flow.View(views.UpdateProcessView.as_view(fields=["amount"]))
        .Permission(auto_create=True)
        .Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def bills(register, people, make_user):
    BROKEN["on"] = True
    register(BillFlow)
    mary = make_user("mary", "bill.manage", password="correct horse")

    def make(number, iban="bad"):
        return [
            views.submit(BillFlow.start, people["erin"], iban=iban, amount=n + 1).id for n in range(number)
        ]

    make.mary = mary
    return make


def key_of_group():
    return db.session.scalar(db.select(IncidentTask.incident_key).where(IncidentTask.closed.is_(None)))


def failed_tasks():
    db.session.expire_all()
    return list(db.session.scalars(db.select(Task).where(Task.status == "ERROR")).unique())


def test_failures_that_differ_by_numbers_are_one_group(bills, client_of):
    bills(3)
    mary = client_of("mary")
    page = mary.get("/admin/incidents").text
    assert "Bills · Pay" in page
    assert "ConnectionError: https://…@bank.example/… timed out after … s" in page
    assert "3 in the last 24 hours" in page
    assert "hunter2" not in page


def test_who_sees_which_incidents(bills, client_of, app):
    bills(1)
    key = key_of_group()
    for who, status in (("dave", 403), ("alice", 403), ("mary", 200), ("erin", 200), ("carol", 200)):
        client = client_of(who)
        assert client.get("/admin/incidents").status_code == status, who
        assert ("Bills" in client.get("/admin/incidents").text) is (who in ("mary", "erin")), who
        of_group = client.get(f"/admin/incidents/{key}").status_code
        assert of_group == (200 if who in ("mary", "erin") else 403), who
        done = client.post(f"/admin/incidents/{key}/retry", data={"all": "1"}).status_code
        assert done == (303 if who in ("mary", "erin") else 403), who
    badges = {
        who: 'data-badge="incidents">1<' in client_of(who).get("/inbox").text
        for who in ("mary", "erin", "carol")
    }
    assert badges == {"mary": True, "erin": True, "carol": False}
    nobody = app.test_client()
    assert nobody.get("/admin/incidents").status_code == 303
    assert client_of("mary").get("/admin/incidents/abc").status_code == 404


def test_a_group_shows_its_traceback_data_and_who_is_told(bills, client_of):
    bills(7)
    page = client_of("mary").get(f"/admin/incidents/{key_of_group()}").text
    assert "raise ConnectionError" in page
    assert "hunter2" not in page
    assert "of the libraries folded" in page
    assert "guarded" not in page
    assert page.count('name="task"') == 5
    assert "Show more" in page
    assert "state=attention" in page
    assert "Data at that time" in page
    assert "IBAN" in page
    assert "Told by mail or in the portal:" in page
    assert "mary" in page


def test_what_one_may_not_see_is_not_shown(bills, client_of):
    (_number,) = bills(1)
    link = db.session.scalars(db.select(IncidentTask)).one()
    link.data = {**link.data, "note": "sealed", "urgent": True}
    db.session.commit()
    then = (
        client_of("erin").get(f"/admin/incidents/{link.incident_key}").text.partition("Data at that time")[2]
    )
    assert ("<dd>Yes</dd>" in then, "True" in then) == (True, False), "in words"
    assert "sealed" not in client_of("mary").get(f"/admin/incidents/{link.incident_key}").text
    assert "sealed" in client_of("erin").get(f"/admin/incidents/{link.incident_key}").text


def test_the_ticked_are_retried_at_once(bills, client_of):
    numbers = bills(3)
    BROKEN["on"] = False
    tasks = failed_tasks()
    mary, key = client_of("mary"), key_of_group()
    answer = mary.post(f"/admin/incidents/{key}/retry", data={"task": [str(t.id) for t in tasks[:2]]})
    assert answer.status_code == 303
    assert len(failed_tasks()) == 1
    page = mary.get("/admin/incidents?state=resolved").text
    assert "Bills · Pay" in page
    assert "No open incidents" not in mary.get("/admin/incidents").text
    # a task of another group is not touched by this one
    other = views.submit(BillFlow.start, bills.mary, iban="good", amount=1)
    assert (
        mary.post(f"/admin/incidents/{key}/retry", data={"task": str(other.tasks[-1].id)}).status_code == 303
    )
    assert numbers


def test_all_are_retried_in_the_background(bills, client_of, session):
    bills(4)
    BROKEN["on"] = False
    mary, key = client_of("mary"), key_of_group()
    answer = mary.post(f"/admin/incidents/{key}/retry", data={"all": "1", "reason": "The bank is back"})
    assert answer.status_code == 303
    assert "/admin/operations/" in answer.location
    assert len(failed_tasks()) == 4
    while work.turn(session):
        pass
    assert failed_tasks() == []
    page = mary.get(answer.location).text
    assert "Retry 4 failed steps" in page
    assert "Done" in page
    assert "4 of 4" in page
    reasons = db.session.scalars(db.select(Event.detail).where(Event.action == "revive")).all()
    assert [each["reason"] for each in reasons] == ["The bank is back"] * 4
    assert {each.closed_by for each in db.session.scalars(db.select(IncidentTask))} == {"revive"}


def test_a_retry_that_fails_again_is_not_retried_by_the_same_operation(bills, client_of, session):
    bills(2)
    answer = client_of("mary").post(f"/admin/incidents/{key_of_group()}/retry", data={"all": "1"})
    while work.turn(session):
        pass
    assert len(failed_tasks()) == 2
    assert db.session.scalar(db.select(db.func.count()).select_from(IncidentTask)) == 4
    assert "2 of 2" in client_of("mary").get(answer.location).text


def test_skip_asks_for_a_reason_and_names_the_next_step(bills, client_of, session):
    bills(2)
    mary, key = client_of("mary"), key_of_group()
    address = f"/admin/incidents/{key}/skip"
    asked = mary.post(address, data={"_ask": "all"})
    assert asked.status_code == 200
    assert "continues with “Book”" in asked.text
    assert mary.post(address, data={"all": "1"}).status_code == 422
    assert mary.post(address, data={"all": "1", "reason": "paid by hand"}).status_code == 303
    while work.turn(session):
        pass
    assert failed_tasks() == []
    assert {each.closed_by for each in db.session.scalars(db.select(IncidentTask))} == {"skip"}


def test_data_is_changed_and_the_step_retried_in_one(bills, client_of):
    (number,) = bills(1)
    (task,) = failed_tasks()
    mary = client_of("mary")
    address = f"/processes/{number}/data?retry={task.id}"
    page = mary.get(address).text
    assert "Save and retry" in page
    assert 'name="iban"' in page
    assert 'name="amount"' not in page
    assert "All fields" in page
    assert mary.post(address, data={"iban": "good"}).status_code == 303
    assert failed_tasks() == []
    actions = db.session.scalars(
        db.select(Event.action).where(Event.process_id == number).order_by(Event.id)
    ).all()
    assert actions[-4:-2] != []
    assert "data" in actions
    assert "revive" in actions
    assert mary.get(address).status_code == 409


def test_spread_over_time_turns_to_one_after_the_other(bills, client_of, session):
    bills(2)
    BROKEN["on"] = False
    mary, key = client_of("mary"), key_of_group()
    assert mary.post(f"/admin/incidents/{key}/retry", data={"all": "1", "over": "7"}).status_code == 422
    mary.post(f"/admin/incidents/{key}/retry", data={"all": "1", "over": "10"})
    assert work.turn(session) == 1
    assert work.turn(session) == 0
    assert len(failed_tasks()) == 1
    operation = db.session.scalars(db.select(Operation)).one()
    assert operation.scheduled - operation.created > dt.timedelta(minutes=4)


def test_an_operation_is_paused_gone_on_with_and_ended(bills, client_of, session):
    bills(3)
    BROKEN["on"] = False
    mary, key = client_of("mary"), key_of_group()
    address = mary.post(f"/admin/incidents/{key}/retry", data={"all": "1"}).location
    assert mary.post(f"{address}/pause").status_code == 303
    assert work.turn(session) == 0
    assert "Paused" in mary.get(address).text
    assert mary.post(f"{address}/pause").status_code == 409
    assert client_of("alice").get(address).status_code == 403
    assert client_of("alice").post(f"{address}/resume").status_code == 403
    assert mary.post(f"{address}/resume").status_code == 303
    assert mary.post(f"{address}/cancel").status_code == 303
    assert work.turn(session) == 0
    assert len(failed_tasks()) == 3
    assert mary.post(f"{address}/resume").status_code == 409
    assert mary.get("/admin/operations").status_code == 200


def test_each_refusal_has_a_line(bills, client_of, session, people):
    numbers = bills(2)
    tasks = failed_tasks()
    operation_id = operations.begin(
        session, people["alice"], "retry", "task", operations.Scope("ids", [t.id for t in tasks]), total=2
    )
    while work.turn(session):
        pass
    assert len(failed_tasks()) == 2
    lines = db.session.scalars(db.select(OperationRefusal.words)).all()
    assert len(lines) == 2
    assert all("only a manager" in line for line in lines)
    page = client_of("erin").get(f"/admin/operations/{operation_id}").text
    assert "only a manager" in page
    assert "Refused" in page
    assert numbers


def test_pages_cost_few_statements(bills, client_of, count):
    mary = client_of("mary")
    bills(1)
    mary.get("/admin/incidents")
    with count() as few:
        mary.get("/admin/incidents")
    bills(6)
    with count() as many:
        mary.get("/admin/incidents")
    assert len(many) == len(few) <= 8, str(many)
    key = key_of_group()
    with count() as group:
        mary.get(f"/admin/incidents/{key}")
    assert len(group) <= 13, str(group)


def test_csv_of_the_groups(bills, client_of):
    bills(2)
    text = client_of("mary").get("/admin/incidents?format=csv").text
    assert "Bills,Pay,ConnectionError" in text
    assert ",2," in text


@pytest.mark.parametrize(
    "query",
    [
        "state=\0",
        "state=x",
        "after=%FF",
        "after=9-",
        "after=999999999999-a",
        "q=%25'\0",
        "q=%23" + "9" * 18,
        "flow=\0",
        "step=x" * 50,
    ],
)
def test_hostile_values_are_no_fault(bills, client_of, query):
    bills(1)
    mary = client_of("mary")
    assert mary.get(f"/admin/incidents?{query}").status_code == 200
    assert mary.get(f"/admin/incidents/{key_of_group()}?{query}").status_code == 200
    assert mary.get(f"/admin/jobs?{query}").status_code == 200
