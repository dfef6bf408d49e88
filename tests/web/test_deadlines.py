"""A deadline says how long it is, in working time where the flow counts so, and when that is."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest

from portal import flow, this
from portal.models import create_user
from portal.web.display.due import deadline_tag
from portal.working_time import WorkingCalendar, parse_hours

ZURICH = ZoneInfo("Europe/Zurich")
OFFICE = WorkingCalendar(
    parse_hours("Mon-Fri 08:00-12:00 13:00-17:00"), ZURICH, {dt.date(2026, 12, 25)}, {dt.date(2026, 12, 24)}
)
BERN = {"timezone": "Europe/Zurich"}


@pytest.mark.parametrize(
    ("now", "moment", "office", "words"),
    [
        ("11-27 15:00", "12-01 15:00", True, "in 2 working days, Tue 1 Dec, 15:00"),
        ("11-27 15:00", "12-01 15:00", False, "in 4 days, Tue 1 Dec, 15:00"),
        ("11-30 18:00", "12-02 10:00", False, "in 2 days, Wed 2 Dec, 10:00"),  # 40 hours, and no day between
        ("11-30 18:00", "12-11 09:00", False, "in 11 days, Fri 11 Dec, 09:00"),
        ("11-30 18:00", "12-01 10:00", False, "in 16 hours, Tue 1 Dec, 10:00"),
        (
            "11-27 15:02",
            "12-01 15:00",
            True,
            "in 2 working days, Tue 1 Dec, 15:00",
        ),  # the page is a bit later
        ("11-27 15:00", "11-30 09:00", True, "in 3 working hours, Mon 30 Nov, 09:00"),
        ("11-27 16:30", "11-30 08:15", True, "in 45 working minutes, Mon 30 Nov, 08:15"),
        ("11-28 10:00", "11-28 11:00", True, "in a moment, 11:00"),  # no work on a Saturday
        ("12-24 09:00", "12-29 09:00", True, "in 2 working days, Tue 29 Dec, 09:00"),
        ("12-24 08:00", "12-24 12:00", True, "in 4 working hours, 12:00"),
        ("11-30 10:00", "11-27 10:00", True, "1 working day ago, Fri 27 Nov, 10:00"),
        ("11-30 10:00", "11-30 08:00", True, "2 working hours ago, 08:00"),
        ("11-30 10:00", "11-30 09:10", True, "50 working minutes ago, 09:10"),
        ("11-29 10:00", "11-28 10:00", True, "just now, Sat 28 Nov, 10:00"),
    ],
)
def test_both_spans(now, moment, office, words):
    now, moment = (dt.datetime.fromisoformat(f"2026-{each}").replace(tzinfo=ZURICH) for each in (now, moment))
    told = deadline_tag(moment, now.astimezone(dt.UTC), BERN, OFFICE if office else None)
    assert re.sub(r"<[^>]+>", "", told) == words


class LetterFlow(flow.Flow):
    start = flow.StartHandle().Next(this.reply)
    reply = flow.ManualTask().Permission("letter.reply").Due(flow.working(days=3)).Next(this.wait)
    wait = flow.Timer(flow.working(days=2)).Next(this.end)
    end = flow.End()


def test_pages_of_tasks_say_both(flow_tester):
    from flask import current_app

    run = flow_tester(LetterFlow)
    run.start()
    create_user("root", "a long password", is_superuser=True)
    run.task("reply").assign("root")
    browser = current_app.test_client()
    browser.post("/login", data={"username": "root", "password": "a long password"})
    number = run.task("reply").task.id
    for address in (f"/tasks/{number}", f"/tasks/{number}/execute"):
        assert re.search(
            r"in 3 working days, <time[^>]+>\w{3} \d+ \w{3}, \d\d:\d\d", browser.get(address).text
        )
    run.task("reply").execute()
    page = browser.get(f"/tasks/{run.task('wait').task.id}").text
    assert re.search(r"in 2 working days, <time", page)
