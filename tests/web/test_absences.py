"""Absences and substitutes, as people enter and use them; the calendar of due tasks."""

import datetime as dt
import re

import icalendar
import pytest

from portal.models import Absence, CalendarFeed, Event, Notice, Task, User, db


def today():
    return dt.datetime.now(dt.UTC).date()


def away(client, address="/profile/absences", *, begin=0, end=2, **data):
    days = {"from": today() + dt.timedelta(days=begin), "to": today() + dt.timedelta(days=end)}
    return client.post(address, data={**{name: day.isoformat() for name, day in days.items()}, **data})


def test_the_substitute_does_the_work(bob, dave, submit, take):
    process_id = submit("On bees")
    task_id = take(process_id)
    assert dave.get(f"/tasks/{task_id}/execute").status_code == 403
    assert away(bob, substitute="dave").status_code == 303
    assert "On bees" in dave.get("/inbox").text
    assert "for bob" in dave.get("/inbox").text
    form = dave.get(f"/tasks/{task_id}/execute")
    assert (form.status_code, "for bob" in form.text) == (200, True)
    assert f'href="/tasks/{task_id}/execute' in dave.get(f"/processes/{process_id}").text
    assert dave.post(f"/tasks/{task_id}/execute", data={"accepted": "y"}).status_code == 303
    event = db.session.scalars(db.select(Event).where(Event.action == "execute")).unique().one()
    assert (event.user.username, event.detail["for"]) == ("dave", "bob")
    page = dave.get(f"/processes/{process_id}").text
    assert re.search(r"<strong>dave</strong>\s*finished", page)
    assert "for bob" in page
    # and the next step, which is in the queue for him now
    assert "for bob" in dave.get("/queue").text
    step = db.session.scalars(db.select(Task.id).where(Task.flow_task == "sign")).one()
    assert dave.post(f"/tasks/{step}/assign").status_code == 303
    assert dave.post(f"/tasks/{step}/execute").status_code == 303


def test_the_substitute_snoozes_what_they_are_offered_to(bob, dave, submit, take):
    task_id = take(submit())
    away(bob, substitute="dave")
    assert f"/tasks/{task_id}/snooze" in dave.get(f"/tasks/{task_id}").text
    assert dave.post(f"/tasks/{task_id}/snooze", data={"until": "2100-01-01"}).status_code == 303
    assert db.session.get_one(Task, task_id, populate_existing=True).snoozed_until is not None


def test_the_history_says_whom_by_name(client_of, people, bob, dave, submit, take):
    erin = client_of("erin")
    people["bob"].full_name = "Bob Büchner"
    db.session.commit()
    process_id = submit()
    task_id = take(process_id, "erin")
    erin.post(f"/tasks/{task_id}/reassign", data={"user": "bob", "reason": "I am away"})
    away(bob, substitute="dave")
    dave.post(f"/tasks/{task_id}/execute", data={"accepted": "y"})
    for address in (f"/processes/{process_id}", f"/processes/{process_id}?tab=events", f"/tasks/{task_id}"):
        page = " ".join(re.sub("<[^>]+>", "", erin.get(address).text).split())
        assert "for Bob Büchner" in page, address
        assert "I am away from erin to Bob Büchner" in page, address


def test_whoever_stands_in_is_told(bob, dave):
    away(bob, substitute="dave")
    assert "You stand in for bob, who is away" in dave.get("/notices").text


def test_a_manager_enters_it_for_the_flows_they_manage(carol, bob, dave, submit, take):
    take(submit("On bees"))
    assert dave.get("/people/bob/absences").status_code == 403
    assert carol.get("/people/bob/absences").status_code == 200
    assert away(carol, "/people/bob/absences", substitute="dave").status_code == 303
    absence = db.session.scalars(db.select(Absence)).one()
    assert (absence.flows, absence.created_by_id is not None) == (["paper"], True)
    assert "On bees" in dave.get("/inbox").text
    assert carol.post(f"/absences/{absence.id}/end").status_code == 303
    assert "On bees" not in dave.get("/inbox").text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"end": -1, "begin": 0}, "before the first one"),
        ({"begin": -5, "end": -3}, "This day is past"),
        ({"substitute": "nobody"}, "There is no user “nobody”"),
        ({"substitute": "bob"}, "Nobody stands in for themselves"),
        ({"flows": "unknown"}, "not a valid choice"),
        ({"end": 4000}, "too long"),
    ],
)
def test_what_is_no_absence_is_refused_and_nothing_is_lost(bob, change, words):
    answer = away(bob, **{"substitute": "dave", **change})
    assert (answer.status_code, words in answer.text.replace("&#39;", "'")) == (422, True)
    assert db.session.scalar(db.select(db.func.count(Absence.id))) == 0
    assert change.get("substitute", "dave") in answer.text


def test_the_days_are_those_of_the_persons_zone(bob, people):
    people["bob"].preferences = {"timezone": "Asia/Tokyo"}
    db.session.commit()
    away(bob, begin=3, end=3)
    absence = db.session.scalars(db.select(Absence)).one()
    assert absence.begins.hour == 15  # midnight in Tokyo
    assert absence.ends - absence.begins == dt.timedelta(days=1)


def test_it_is_ended_by_whose_it_is(bob, dave):
    away(bob, substitute="dave")
    number = db.session.scalars(db.select(Absence.id)).one()
    assert dave.post(f"/absences/{number}/end").status_code == 403
    assert bob.post(f"/absences/{number}/end").status_code == 303
    assert "No absence is planned" in bob.get("/profile/absences").text


def test_lists_cost_no_statement_more_with_nobody_away(bob, submit, take, count):
    take(submit())
    with count() as statements:
        bob.get("/inbox")
    assert not any("portal_absence" in sql for sql in statements[1:]), str(statements)


# -- the calendar ------------------------------------------------------------------------------------------------


def feed_of(client):
    page = client.post("/profile/calendar").text
    found = re.search(r'value="http://[^"/]+(/calendar/[^"]+)"', page)
    assert found is not None
    return found[1]


def test_due_tasks_are_in_the_calendar(app, bob, submit, take):
    task_id = take(submit("On bees"))
    address = feed_of(bob)
    answer = app.test_client().get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    (event,) = icalendar.Calendar.from_ical(answer.data).walk("VEVENT")
    assert event["SUMMARY"] == "Review: Paper On bees"
    task = db.session.get_one(Task, task_id)
    assert event["DTSTART"].dt == task.due.replace(microsecond=0)
    assert event["URL"] == f"http://localhost/tasks/{task_id}"
    assert "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID" in answer.text


def test_only_the_hash_of_the_address_is_kept(app, bob):
    address = feed_of(bob)
    token = address.removeprefix("/calendar/").removesuffix(".ics")
    assert token not in db.session.scalars(db.select(CalendarFeed.token_hash)).one()
    assert token not in bob.get("/profile/calendar").text


def test_a_new_address_ends_the_old_one_and_stop_ends_both(app, bob, people):
    old = feed_of(bob)
    new = feed_of(bob)
    stranger = app.test_client()
    assert (stranger.get(old).status_code, stranger.get(new).status_code) == (404, 200)
    people["bob"].is_active = False
    db.session.commit()
    assert stranger.get(new).status_code == 404
    db.session.get_one(User, people["bob"].id).is_active = True
    db.session.commit()
    assert bob.post("/profile/calendar", data={"stop": "1"}).status_code == 303
    assert stranger.get(new).status_code == 404


def test_a_notice_is_marked_as_read(bob, dave):
    away(bob, substitute="dave")
    assert 'data-badge="notices">1<' in dave.get("/inbox").text
    number = db.session.scalars(db.select(Notice.id)).one()
    bob.post("/notices/read", data={"notice": number})  # which is not his
    assert 'data-badge="notices">1<' in dave.get("/inbox").text
    dave.post("/notices/read", data={"until": number})
    assert 'data-badge="notices"' not in dave.get("/inbox").text
