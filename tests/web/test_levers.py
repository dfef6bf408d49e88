"""A manager's levers on one task and one process: said before they are done, with a reason, refused in words."""

import datetime as dt
import re

import pytest

from portal import flow, jsonstore, this
from portal.models import Event, Process, Task, db


def last_event(**criteria):
    db.session.expire_all()
    return db.session.query(Event).filter_by(**criteria).order_by(Event.id.desc()).first()


@pytest.fixture
def task_id(submit, take):
    return take(submit())


def test_a_skip_is_said_then_done(carol, task_id, status_of, open_task):
    page = carol.get(f"/tasks/{task_id}/skip").text
    for told in (
        "Skip this task?", "marked as done without its form", "The process continues with “Check”",
        "bob, who has it, cannot finish it any more", 'name="reason"',
    ):  # fmt: skip
        assert told in page
    answer = carol.post(f"/tasks/{task_id}/skip", data={"reason": "It was decided on the phone."})
    assert (answer.status_code, answer.location, status_of(task_id)) == (303, f"/tasks/{task_id}", "DONE")
    event = last_event(task_id=task_id)
    assert (event.action, event.user.username, event.detail) == (
        "skip", "carol", {"reason": "It was decided on the phone."},
    )  # fmt: skip
    page = carol.get(f"/tasks/{task_id}").text
    assert "<strong>carol</strong> skipped it" in page
    assert "It was decided on the phone." in page
    answer = carol.post(f"/tasks/{task_id}/skip")
    assert answer.status_code == 409
    assert "Already done" in answer.text


def test_what_decides_is_not_skipped_and_the_page_says_why(carol, register, make_user):
    class OddFlow(flow.Flow):
        start = flow.StartHandle().Next(this.odd)
        odd = flow.If(lambda activation: 1 / 0).Then(this.end).Else(this.other)
        other = flow.ManualTask().Next(this.end)
        end = flow.End()

    register(OddFlow)
    task = OddFlow.start.run().tasks[1]
    make_user("olga", "odd.manage", password="correct horse")
    olga = carol.application.test_client()
    olga.post("/login", data={"username": "olga", "password": "correct horse"})
    answer = olga.get(f"/tasks/{task.id}/skip")
    assert answer.status_code == 409
    assert "it decides where the process goes; move it to the step that comes next" in answer.text
    assert ">Other</option>" in olga.get(f"/tasks/{task.id}/move").text
    page = olga.get(f"/tasks/{task.id}/move?to=other").text
    assert "“Odd” is cancelled, and the process continues at “Other”." in page
    assert olga.post(f"/tasks/{task.id}/move", data={"to": "other", "reason": "mended"}).status_code == 303
    assert last_event(task_id=task.id).detail == {"to": "other", "reason": "mended"}


def test_a_move_names_where_one_cannot_go(carol, task_id, status_of):
    page = carol.get(f"/tasks/{task_id}/move").text
    offered = set(re.findall(r'<option value="(\w+)"', page))
    nodes = list(db.session.get_one(Task, task_id).process.flow_class.definition.nodes)
    accepted = {to for to in nodes if carol.get(f"/tasks/{task_id}/move?to={to}").status_code == 200}
    assert offered == accepted
    assert {"review", "sign"} <= offered < set(nodes)  # its own step, too: it begins again
    answer = carol.get(f"/tasks/{task_id}/move?to=start")
    assert (answer.status_code, "«Submit» starts a process" in answer.text) == (409, True)
    for to in ("", "nowhere", "\0"):
        assert carol.post(f"/tasks/{task_id}/move", data={"to": to}).status_code == 422
    assert carol.post(f"/tasks/{task_id}/move", data={"to": "start"}).status_code == 409
    assert status_of(task_id) == "ASSIGNED"
    assert carol.post(f"/tasks/{task_id}/move", data={"to": "sign"}).status_code == 303
    answer = carol.get(f"/tasks/{task_id}/execute")
    assert "Moved to another step" in answer.text


def test_due_priority_and_snooze(carol, bob, task_id):
    assert (
        carol.post(f"/tasks/{task_id}/due", data={"due": "2100-05-06T07:08", "reason": "later"}).status_code
        == 303
    )
    assert carol.post(f"/tasks/{task_id}/priority", data={"priority": "5"}).status_code == 303
    assert bob.post(f"/tasks/{task_id}/snooze", data={"until": "2100-01-01"}).status_code == 303
    task = db.session.get_one(Task, task_id, populate_existing=True)
    assert task.due == dt.datetime(2100, 5, 6, 7, 8, tzinfo=dt.UTC)
    assert task.priority == 5
    assert task.snoozed_until == dt.datetime(2100, 1, 1, 8, tzinfo=dt.UTC)
    page = bob.get("/inbox").text
    assert "Snoozed</strong> 1 task" in page
    assert "Nothing to do" in page
    assert bob.post(f"/tasks/{task_id}/snooze", data={"until": ""}).status_code == 303
    assert "Snoozed</strong>" not in bob.get("/inbox").text
    assert carol.post(f"/tasks/{task_id}/due", data={"due": ""}).status_code == 303
    assert db.session.get_one(Task, task_id, populate_existing=True).due is None


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("due", {}), ("due", {"due": "soon"}), ("due", {"due": "9999-12-31T23:59"}), ("priority", {}),
        ("priority", {"priority": "high"}), ("priority", {"priority": "1001"}), ("snooze", {"until": "2000-01-01"}),
        ("snooze", {}), ("skip", {"reason": "a" * 2001}), ("due", {"due": "2100-01-01", "reason": "\0"}),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said_and_nothing_is_lost(carol, task_id, action, data):
    answer = carol.post(f"/tasks/{task_id}/{action}", data={"reason": "kept", **data})
    assert answer.status_code == 422
    assert data.get("reason", "kept")[:20].strip("\0") in answer.text
    assert last_event(task_id=task_id).action == "assign"


@pytest.mark.parametrize("action", ["cancel", "unassign"])
def test_the_old_actions_keep_a_reason_too(carol, task_id, action):
    assert 'name="reason"' in carol.get(f"/tasks/{task_id}/{action}").text
    assert carol.post(f"/tasks/{task_id}/{action}", data={"reason": "why not"}).status_code == 303
    assert last_event(task_id=task_id).detail["reason"] == "why not"


def test_a_process_is_suspended_with_a_reason(carol, task_id):
    process_id = db.session.get_one(Task, task_id).process_id
    assert "1 open task is cancelled." in carol.get(f"/processes/{process_id}/cancel").text
    assert carol.post(f"/processes/{process_id}/suspend", data={"reason": "audit"}).status_code == 303
    assert last_event(process_id=process_id, task_id=None).detail == {"reason": "audit"}


class TripProcess(Process):
    place = jsonstore.StringField("Place", required=True, default="Mars")
    remark = jsonstore.TextField("Remark", required=True)
    reason = jsonstore.StringField("Why one goes")


class TripFlow(flow.Flow):
    process_class = TripProcess
    withdraw = True
    start = flow.StartHandle().Next(this.check)
    check = flow.Function(this.look).Next(this.end)
    end = flow.End()

    def look(self, activation):
        if activation.process.place == "Mars":
            raise ValueError(activation.process.place)


@pytest.fixture
def failed_trip(register, people):
    register(TripFlow)
    return TripFlow.start.run(_user=people["alice"]).id


def test_data_is_mended_and_what_failed_retried(client_of, failed_trip):
    erin = client_of("erin")
    page = erin.get(f"/processes/{failed_trip}").text
    assert "Retry failed steps…" in page
    assert "Change data…" in page
    page = erin.get(f"/processes/{failed_trip}/data").text
    assert 'name="_reason"' in page  # the process has a field of that name
    answer = erin.post(f"/processes/{failed_trip}/data", data={"place": "Rome", "_reason": "a slip"})
    assert answer.status_code == 303  # the remark, which a later step requires, may stay empty
    event = last_event(process_id=failed_trip, action="data")
    assert event.detail == {"changes": {"place": [None, "Rome"]}, "reason": "a slip"}
    assert erin.post(f"/processes/{failed_trip}/data", data={"place": "", "_reason": ""}).status_code == 422
    assert "“Check”" in erin.get(f"/processes/{failed_trip}/retry").text
    answer = erin.post(f"/processes/{failed_trip}/retry", data={"reason": "it is right now"})
    assert answer.status_code == 303
    assert "1 step retried." in erin.get(answer.location).text
    assert db.session.get_one(Process, failed_trip, populate_existing=True).status == "DONE"
    assert erin.post(f"/processes/{failed_trip}/retry").status_code == 409
    assert erin.post(f"/processes/{failed_trip}/data", data={"place": "Rome"}).status_code == 409


def test_a_superuser_withdraws_for_another(client_of, failed_trip):
    erin = client_of("erin")
    assert "Withdraw request…" not in erin.get(f"/processes/{failed_trip}").text  # they cancel it
    answer = erin.post(f"/processes/{failed_trip}/withdraw", data={"reason": "she has phoned"})
    assert answer.status_code == 303
    assert f"Request #{failed_trip} is withdrawn." in erin.get(answer.location).text
    assert last_event(process_id=failed_trip, action="withdraw").user.username == "erin"


def test_ones_own_request_is_withdrawn(alice, client_of, failed_trip):
    assert "Withdraw request…" in alice.get(f"/processes/{failed_trip}").text
    assert "1 open task is cancelled." in alice.get(f"/processes/{failed_trip}/withdraw").text
    assert client_of("carol").post(f"/processes/{failed_trip}/withdraw").status_code in (403, 404)
    answer = alice.post(f"/processes/{failed_trip}/withdraw", data={"reason": "I stay at home"})
    assert answer.status_code == 303
    page = alice.get(answer.location).text
    assert f"Your request #{failed_trip} is withdrawn." in page
    assert "I stay at home" in page
    assert alice.post(f"/processes/{failed_trip}/withdraw").status_code == 409
    assert "Withdraw request…" not in page


def test_who_may_not_finds_no_button(bob, alice, task_id):
    process_id = db.session.get_one(Task, task_id).process_id
    page = bob.get(f"/tasks/{task_id}").text
    assert "/snooze" in page
    for name in ("skip", "move", "due", "priority"):
        assert f"/tasks/{task_id}/{name}" not in page
    page = alice.get(f"/processes/{process_id}").text
    for name in ("withdraw", "data", "retry"):
        assert f"/processes/{process_id}/{name}" not in page
