"""The notices in the portal and the one mail a day: who gets which, when, and once."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from portal.engine import comments, notices, wishes, writes
from portal.engine.outbox import Claim
from portal.engine.queue import digests
from portal.engine.transaction import clock
from portal.models import Absence, Digest, Notice, Outgoing, User, db
from portal.work import mail

pytestmark = pytest.mark.usefixtures("still")  # a day does not end meanwhile


def prefer(session, people, name, **choices):
    session.get_one(User, people[name]).preferences = choices
    session.commit()


def shown(session, people, name):
    session.rollback()
    query = db.select(Notice.event).where(Notice.user_id == people[name], Notice.shown).order_by(Notice.id)
    return list(session.scalars(query))


def digest_rows(session):
    session.rollback()
    return list(session.scalars(db.select(Outgoing).where(Outgoing.event == "digest").order_by(Outgoing.id)))


def written(session, row):
    claimed = Claim(
        row.id, 1, row.scheduled, "mail", "digest", row.key, None, None, row.user_id, None, row.payload, row.created, ""
    )  # fmt: skip
    made = mail.compose(session, claimed, "https://portal.example")
    assert made is not None
    return mail.message(made, claimed, "https://portal.example"), made


def test_what_is_told_is_in_the_portal_too(bill, act, session, people, rows):
    act(bill().task("check"), "assign", "carol", to="bob")
    assert shown(session, people, "bob") == ["assigned"]
    assert rows() == [("mail", "assigned", "bob")]


def test_each_kind_is_chosen_for_each_way(bill, act, session, people, rows):
    prefer(session, people, "bob", notices={"assigned": False}, notices_portal={"assigned": True})
    prefer(session, people, "dave", notices={"assigned": True}, notices_portal={"assigned": False})
    task = bill().task("check")
    act(task, "assign", "carol", to="bob")
    act(task, "reassign", "carol", to="dave")
    assert (shown(session, people, "bob"), shown(session, people, "dave")) == (["assigned"], [])
    assert rows() == [("mail", "assigned", "dave")]


def test_one_mail_a_day_has_all_of_it(flow_tester, bill, act, session, people):
    prefer(session, people, "bob", digest=True, timezone="Asia/Tokyo")
    for text in ("Paper", "Ink"):
        act(bill(text).task("check"), "assign", "carol", to="bob")
    assert digest_rows(session) == []
    due = session.scalars(db.select(Digest.due)).one()
    assert due.astimezone(ZoneInfo("Asia/Tokyo")).time() == wishes.HOUR
    assert dt.timedelta() < due - clock.get()() <= dt.timedelta(days=1)
    assert digests.turn(session) == 0
    flow_tester.clock.offset += dt.timedelta(days=1)
    assert digests.turn(session) == 1
    (row,) = digest_rows(session)
    message, made = written(session, row)
    assert made.subject == "2 notices from the portal"
    for words in (
        "Bill for Paper",
        "Bill for Ink",
        "https://portal.example/tasks/",
        "https://portal.example/profile",
    ):
        assert words in made.text
        assert words in made.html
    assert message.extra_headers["References"] == "<digest@portal.example>"
    assert digests.turn(session) == 0
    assert len(digest_rows(session)) == 1


def test_several_workers_make_it_once(flow_tester, bill, act, session, people, at_once_workers):
    prefer(session, people, "bob", digest=True)
    act(bill().task("check"), "assign", "carol", to="bob")
    flow_tester.clock.offset += dt.timedelta(days=1)
    at_once_workers(digests.turn, 4)
    assert len(digest_rows(session)) == 1
    assert session.scalar(db.select(db.func.count(Digest.user_id))) == 0


def test_a_new_notice_waits_for_the_next_day(flow_tester, bill, act, session, people):
    prefer(session, people, "bob", digest=True)
    for count in (1, 2):
        act(bill().task("check"), "assign", "carol", to="bob")
        flow_tester.clock.offset += dt.timedelta(days=1)
        digests.turn(session)
        assert len(digest_rows(session)) == count
    assert [row.payload["count"] for row in digest_rows(session)] == [1, 1]


def test_what_one_may_no_longer_see_is_not_in_it(flow_tester, bill, act, session, people):
    prefer(session, people, "erin", digest=True)
    run = bill("Secret")
    writes.begin(session)
    comments.add(session, run.process.id, people["alice"], "@erin look")
    session.commit()
    flow_tester.clock.offset += dt.timedelta(days=1)
    digests.turn(session)
    session.get_one(User, people["erin"]).is_superuser = False
    session.commit()
    (row,) = digest_rows(session)
    claimed = Claim(
        1,
        1,
        row.scheduled,
        "mail",
        "digest",
        row.key,
        None,
        None,
        row.user_id,
        None,
        row.payload,
        row.created,
        "",
    )
    assert mail.compose(session, claimed, "https://portal.example") is None


@pytest.mark.parametrize(
    ("zone", "now", "next_one"),
    [
        ("UTC", "2026-11-24T07:59+00:00", "2026-11-24T08:00+00:00"),
        ("UTC", "2026-11-24T08:00+00:00", "2026-11-25T08:00+00:00"),
        ("Europe/Zurich", "2026-03-28T08:00+00:00", "2026-03-29T06:00+00:00"),  # the clocks go forward
        ("Europe/Zurich", "2026-10-24T08:00+00:00", "2026-10-25T07:00+00:00"),  # and back
        ("No/Where", "2026-11-24T09:00+00:00", "2026-11-25T08:00+00:00"),
    ],
)
def test_the_hour_is_that_of_the_person(zone, now, next_one):
    user = User(username="x", preferences={"timezone": zone})
    assert wishes.next_digest(user, dt.datetime.fromisoformat(now)) == dt.datetime.fromisoformat(next_one)


def test_who_stands_in_hears_of_it(bill, act, session, people, rows):
    now = clock.get()()
    session.add(
        Absence(
            user_id=people["bob"], substitute_id=people["alice"], begins=now, ends=now + dt.timedelta(days=2),
            flows=[],
        )
    )  # fmt: skip
    session.commit()
    act(bill().task("check"), "assign", "carol", to="bob")
    assert rows() == [("mail", "assigned", "bob"), ("mail", "assigned", "alice")]
    row = session.scalars(db.select(Outgoing).where(Outgoing.user_id == people["alice"])).one()
    claimed = Claim(
        row.id, 1, row.scheduled, "mail", "assigned", row.key, row.process_id, row.task_id, row.user_id, None,
        row.payload, row.created, "",
    )  # fmt: skip
    made = mail.compose(session, claimed, "https://portal.example")
    assert "A task was assigned to bob, for whom you stand in." in made.text


def test_the_queue_of_chosen_flows(bill, session, people, rows):
    prefer(session, people, "bob", notices={"queue": True}, queue_flows=["bill"])
    prefer(session, people, "dave", notices={"queue": True}, queue_flows=["other"])
    bill()
    assert rows() == [("mail", "queue", "bob")]
    assert shown(session, people, "bob") == []


def test_old_notices_go(flow_tester, bill, act, session, people):
    act(bill().task("check"), "assign", "carol", to="bob")
    assert notices.sweep(session) == 0
    flow_tester.clock.offset += dt.timedelta(days=91)
    assert notices.sweep(session) == 1
