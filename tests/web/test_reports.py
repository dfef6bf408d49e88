"""Reports: who sees them, what they say, and as files."""

import datetime as dt
import re

import pytest

from portal.engine import actions
from portal.engine.queue import maintenance
from portal.engine.reports import counting
from portal.models import Absence, Task, db, utcnow
from portal.queries import reports


@pytest.fixture
def history(submit, take, open_task, people):
    """Three papers of today: one is signed, one is rejected, one is with its reviewer and late."""
    for accepted in (True, False):
        with actions.activation(db.session(), take(submit()), people["bob"]) as activation:
            activation.process.accepted = accepted
            activation.execute()
    task = db.session.get_one(Task, take(submit("Late")))
    task.due = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    db.session.commit()


def texts(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_figures_of_flows_are_for_who_sees_all_of_them(carol, bob, history):
    assert "Paper review 3 1 2" in texts(carol.get("/reports").text)
    assert 'href="/reports"' in carol.get("/inbox").text
    assert bob.get("/reports/paper").status_code == 403
    assert 'href="/reports"' not in bob.get("/inbox").text


@pytest.mark.parametrize("counted", [False, True])
def test_a_report_is_right_before_and_after_workers_have_counted(carol, history, counted):
    if counted:
        counting.count_all(db.session())
    page = texts(carol.get("/reports/paper").text)
    assert "Started 3 0 before Finished 1 0 before Open now 2 0 before 1 overdue" in page
    assert "Review → End 1 100 %" in page or "Submit → Review → End 1 100 %" in page
    assert re.search(r"CSV of people Finished by person.* bob 2", page)


def test_no_id_of_a_report_is_there_twice(carol, history):
    ids = re.findall(r'\bid="([^"]+)"', carol.get("/reports/paper").text)
    assert len(ids) == len(set(ids))


def test_a_flow_in_which_nothing_happened(carol, paper):
    assert "Nothing was started in this period" in carol.get("/reports/paper").text


@pytest.mark.parametrize("part", ["days", "parts", "steps", "people", "roles", "paths", "substitutes"])
def test_each_table_is_a_file(carol, history, part):
    answer = carol.get(f"/reports/paper?format=csv&part={part}")
    assert answer.mimetype == "text/csv"
    assert (len(answer.text.splitlines()) > 1) is (part not in ("roles", "substitutes"))


def test_who_did_it_for_whom_is_told(carol, submit, take, people):
    number, now = take(submit()), utcnow()
    db.session.add(
        Absence(user=people["bob"], substitute=people["dave"], begins=now, ends=now + dt.timedelta(days=1))
    )
    db.session.commit()
    with actions.activation(db.session(), number, people["dave"]) as activation:
        activation.execute()
    assert "Person In place of Finished dave bob 1" in texts(carol.get("/reports/paper").text)
    lines = carol.get("/reports/paper?format=csv&part=substitutes").text.lstrip("\ufeff").splitlines()
    assert lines == ["Person,In place of,Finished", "dave,bob,1"]


def test_every_day_of_the_period_has_a_line(carol, history):
    lines = carol.get("/reports/paper?since=2026-01-01&until=2026-01-10&format=csv").text.splitlines()
    assert len(lines) == 11
    assert lines[1].startswith("2026-01-01,0,0,0,0")


@pytest.mark.parametrize(
    "query", ["since=yesterday", "since=2026-02-02&until=2026-02-01", "since=2001-01-01", "until=0001-01-01"]
)
def test_a_period_that_is_none_is_refused_in_words(carol, paper, query):
    assert carol.get(f"/reports/paper?{query}").status_code == 400


def test_another_version_is_another_report(carol, history):
    assert "Nothing was started" in carol.get("/reports/paper?version=other").text


def test_workers_count(history):
    call, _seconds = maintenance.SWEEPS["figures of reports"]
    while call(db.session()):
        pass
    today = utcnow().date()  # and yesterday, if it has just become midnight
    counts = reports.of_flows(db.session(), ["paper"], today - dt.timedelta(days=1), today)
    assert (counts["paper"].started, counts["paper"].finished, counts["paper"].open) == (3, 1, 2)


def test_a_report_costs_the_same_however_much_there_is(carol, history, submit, count):
    def cost():
        carol.get("/reports/paper")
        db.session.remove()
        with count() as statements:
            assert carol.get("/reports/paper").status_code == 200
        return statements

    counting.count_all(db.session())
    before = cost()
    for number in range(20):
        submit(f"More {number}")
    counting.count_all(db.session())
    after = cost()
    assert len(after) == len(before) <= 22, str(after)
