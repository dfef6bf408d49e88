"""Working days and hours: cases that people would work out by hand, and any moment against a count minute by minute."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import flow, this
from portal.config import Config
from portal.errors import FlowError
from portal.office_holidays import office_holidays
from portal.working_time import WorkingCalendar, WorkingTime, parse_holidays, parse_hours

ZURICH = ZoneInfo("Europe/Zurich")
CHRISTMAS = {dt.date(2026, 12, 25), dt.date(2027, 1, 1)}
HALVES = {dt.date(2026, 12, 24)}
OFFICE = WorkingCalendar(
    parse_hours("Mon-Fri 08:00-12:00 13:00-17:00; Sat 09:00-12:00"), ZURICH, CHRISTMAS, HALVES
)
NIGHTS = WorkingCalendar(parse_hours("Sat,Sun 00:00-06:00 22:00-24:00"), ZURICH)


def at(text, zone=ZURICH):
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("start", "days", "hours", "end"),
    [
        ("2026-11-24 10:00", 2, 0, "2026-11-26 10:00"),
        ("2026-11-24 10:00", 0, 3, "2026-11-24 14:00"),  # over noon
        ("2026-11-24 10:00", 0, 2, "2026-11-24 12:00"),
        ("2026-11-24 12:30", 0, 1, "2026-11-24 14:00"),
        ("2026-11-24 19:00", 0, 1, "2026-11-25 09:00"),
        ("2026-11-24 19:00", 1, 0, "2026-11-26 08:00"),
        ("2026-11-27 10:00", 1, 0, "2026-11-28 10:00"),  # Saturday
        ("2026-11-27 15:00", 1, 0, "2026-11-28 12:00"),  # when Saturday's work is over
        ("2026-11-27 15:00", 2, 0, "2026-11-30 15:00"),
        ("2026-11-28 11:00", 0, 2, "2026-11-30 09:00"),
        ("2026-12-23 15:00", 1, 0, "2026-12-24 12:00"),  # half a day
        ("2026-12-24 11:00", 0, 2, "2026-12-26 10:00"),
        ("2026-12-31 16:00", 1, 2, "2027-01-04 10:00"),  # over the end of the year
        ("2027-03-26 16:00", 2, 0, "2027-03-29 16:00"),  # the clock was put forward
        ("2026-10-24 11:00", 1, 4, "2026-10-26 16:00"),  # and back
        ("2026-11-24 10:00", 0, 0, "2026-11-24 10:00"),
        ("2026-11-29 10:00", 0, 0, "2026-11-30 08:00"),
    ],
)
def test_a_span_after_a_moment(start, days, hours, end):
    assert OFFICE.after(at(start), WorkingTime(days, hours)) == at(end)


@pytest.mark.parametrize(
    ("start", "end", "days", "hours"),
    [
        ("2026-11-24 10:00", "2026-11-26 10:00", 2, 0),
        ("2026-11-24 10:00", "2026-11-26 14:00", 2, 3),
        ("2026-11-24 16:00", "2026-11-25 09:00", 0, 2),
        ("2026-11-27 18:00", "2026-11-27 23:00", 0, 0),
        ("2026-11-26 10:00", "2026-11-24 10:00", 0, 0),
    ],
)
def test_the_span_between_two_moments(start, end, days, hours):
    assert OFFICE.between(at(start), at(end)) == WorkingTime(days, hours)


moments = st.datetimes(dt.datetime(2026, 3, 1), dt.datetime(2027, 4, 30)).map(
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=dt.UTC)
)


def works(calendar, minute):
    """Whether a minute is worked, read off the calendar's table alone."""
    local = minute.astimezone(calendar.timezone)
    if local.date() in calendar.holidays:
        return False
    hours = calendar.week[local.weekday()]
    minutes = [
        n
        for opens, closes in hours
        for n in range(
            opens.hour * 60 + opens.minute, 1440 if closes is None else closes.hour * 60 + closes.minute
        )
    ]
    if local.date() in calendar.half_days:
        minutes = minutes[: len(minutes) // 2]
    return local.hour * 60 + local.minute in minutes


@pytest.mark.parametrize("calendar", [OFFICE, NIGHTS], ids=["office", "nights"])
@settings(max_examples=60, deadline=None)
@given(start=moments, minutes=st.integers(0, 1500))
def test_hours_are_what_a_count_of_minutes_gives(calendar, start, minutes):
    end = calendar.after(start, WorkingTime(0, minutes / 60))
    end = end.replace(microsecond=0) + dt.timedelta(seconds=round(end.microsecond / 1e6))
    counted, at = 0, start
    while counted < minutes:
        counted += works(calendar, at)
        at += dt.timedelta(minutes=1)
    if minutes == 0:
        while not works(calendar, at):
            at += dt.timedelta(minutes=1)
    assert end == at


@settings(max_examples=100, deadline=None)
@given(start=moments, days=st.integers(0, 40))
def test_days_are_what_a_count_of_days_gives(start, days):
    begin = OFFICE.after(start, WorkingTime()).astimezone(ZURICH)
    end = OFFICE.after(start, WorkingTime(days)).astimezone(ZURICH)
    day, left = begin.date(), days
    while left:
        day += dt.timedelta(1)
        left -= day.weekday() != 6 and day not in CHRISTMAS
    assert end.date() == day
    assert end.time() == begin.time() or not works(OFFICE, end.replace(hour=begin.hour, minute=begin.minute))


@settings(max_examples=100, deadline=None)
@given(start=moments, later=st.integers(0, 10_000), days=st.integers(0, 5), hours=st.integers(0, 30))
def test_who_begins_later_is_not_due_earlier(start, later, days, hours):
    span = WorkingTime(days, hours)
    assert OFFICE.after(start, span) <= OFFICE.after(start + dt.timedelta(minutes=later), span)


@settings(max_examples=100, deadline=None)
@given(start=moments, days=st.integers(0, 20), hours=st.integers(0, 7))
def test_what_lies_between_leads_to_the_end(start, days, hours):
    end = OFFICE.after(start, WorkingTime(days, hours))
    assert OFFICE.after(start, OFFICE.between(start, end)) <= end


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mon-Fri", "no hours"),
        ("Monday 08:00-12:00", "no day of the week"),
        ("Mon 8-12", "no span"),
        ("Mon 12:00-08:00", "no span"),
        ("Mon 25:00-26:00", "no span"),
        ("Mon 08:00-12:00 11:00-13:00", "overlap"),
        ("", "no working hours"),
    ],
)
def test_hours_that_cannot_be_read(text, words):
    with pytest.raises(ValueError, match=words):
        parse_hours(text)


def test_holidays_of_a_place_and_of_the_office():
    whole, half = office_holidays("CH-ZH", parse_holidays("2026-12-24 half, 2026-12-31"))
    assert dt.date(2026, 12, 25) in whole
    assert dt.date(2026, 12, 31) in whole
    assert dt.date(2026, 12, 24) not in whole
    assert dt.date(2026, 12, 24) in half


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CALENDAR", "CH-XX", "PORTAL_CALENDAR.*CH-ZH"),
        ("CALENDAR", "Atlantis", "PORTAL_CALENDAR"),
        ("WORKING_HOURS", "always", "PORTAL_WORKING_HOURS"),
        ("TIMEZONE", "Zurich", "PORTAL_TIMEZONE.*Europe/Zurich"),
        ("HOLIDAYS", "Christmas", "PORTAL_HOLIDAYS.*2026-12-31"),
    ],
)
def test_a_setting_that_cannot_be_read(tmp_path, name, value, words):
    with pytest.raises(ValueError, match=words):
        Config.read({name: value, "TESTING": True, "FLOWS": []}, tmp_path)


def test_the_settings(tmp_path):
    given = {
        "CALENDAR": "CH-ZH",
        "TIMEZONE": "Europe/Zurich",
        "WORKING_HOURS": "Mon 08:00-12:00",
        "TESTING": True,
    }
    calendar = Config.read({**given, "FLOWS": []}, tmp_path).calendar
    assert calendar.after(at("2026-11-24 10:00"), WorkingTime(0, 1)) == at("2026-11-30 09:00")


class SpanFlow(flow.Flow):
    start = flow.StartHandle().Next(this.ask)
    ask = (
        flow.ManualTask().Due(flow.working(days=1)).OnTimeout(flow.working(days=2), this.wait).Next(this.end)
    )
    wait = flow.Timer(flow.working(hours=1)).Next(this.end)
    end = flow.End()


def test_due_timeout_and_timer_count_working_time(flow_tester):
    run = flow_tester(SpanFlow)
    run.start()
    task = run.task("ask")
    calendar = flow.registry.current.calendar
    assert task.due == calendar.after(task.created, WorkingTime(1))
    [timeout] = run.tasks("ask__timeout")
    assert timeout.scheduled == calendar.after(task.created, WorkingTime(2))
    run.advance(days=7)
    assert run.path[:2] == ["start", "ask__timeout"]
    [timer] = run.tasks("wait")
    assert timer.scheduled == calendar.after(timer.created, WorkingTime(0, 1))


def test_the_picture_says_working_days(flow_tester):
    from portal import render

    assert "After 2 working days" in render.svg(SpanFlow)


@pytest.mark.parametrize("given", [{"days": -1}, {"days": 1.5}, {"hours": "2"}, {"hours": float("nan")}])
def test_a_span_that_is_none(given):
    with pytest.raises(FlowError, match=r"flow\.working.*days=2, hours=4"):
        flow.working(**given)
