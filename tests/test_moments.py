"""The due moments of a schedule: time zones, changes of the clocks, beats."""

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import flow, this
from portal.engine.moments import next_start
from portal.engine.queue.schedules import check
from portal.errors import FlowError

BERLIN = ZoneInfo("Europe/Berlin")


def moments(node, now, count):
    found = []
    for _ in range(count):
        now = next_start(node, now, now)
        found.append(now)
    return found


def shown(found):
    return [moment.astimezone(BERLIN).strftime("%d %H:%M") for moment in found]


SPRING, AUTUMN = dt.datetime(2026, 3, 28, 20, tzinfo=dt.UTC), dt.datetime(2026, 10, 24, 20, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("cron", "since", "expected"),
    [
        ("30 2 * * *", SPRING, ["29 03:30", "30 02:30", "31 02:30"]),
        ("30 2 * * *", AUTUMN, ["25 02:30", "26 02:30", "27 02:30"]),
        ("15,45 2 * * *", SPRING, ["29 03:15", "29 03:45", "30 02:15"]),
        ("15,45 2,3 * * *", SPRING, ["29 03:15", "29 03:45", "30 02:15"]),
        ("15,45 2 * * *", AUTUMN, ["25 02:15", "25 02:45", "26 02:15"]),
        ("0 3 * * *", SPRING, ["29 03:00", "30 03:00", "31 03:00"]),
        ("0 0-23/6 * * *", AUTUMN, ["25 00:00", "25 06:00", "25 12:00"]),
        ("30 2 * * sun", SPRING, ["29 03:30", "05 02:30", "12 02:30"]),
    ],
)
def test_a_time_of_day_comes_once_a_day_when_the_clocks_change(cron, since, expected):
    assert shown(moments(flow.StartTimer(cron=cron, timezone="Europe/Berlin"), since, 3)) == expected


NOVEMBER = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)  # a Friday


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 9 1 * mon", ["11-30", "12-01", "12-07"]),  # either of them
        ("0 9 1,15 * 1", ["11-30", "12-01", "12-07"]),
        ("0 9 28-29 * 7", ["11-28", "11-29", "12-06"]),  # 7 is Sunday
        ("0 9 28 * fri-sat/1", ["11-28", "12-04", "12-05"]),
        ("0 9 10 DEC MON", ["12-07", "12-10", "12-14"]),
        (
            "0 9 */2 * mon",
            ["12-07", "12-21", "01-11"],
        ),  # what begins with a star names no day: both must hold
        ("0 9 7 * */2", ["01-07", "02-07", "03-07"]),
        ("0 9 1 * *", ["12-01", "01-01", "02-01"]),
        ("0 9 * * mon", ["11-30", "12-07", "12-14"]),
        ("0 9 31 2 mon", ["02-01", "02-08", "02-15"]),
        ("0 * 29 * sun", ["11-29", "11-29", "11-29"]),
    ],
)
def test_day_of_month_and_day_of_week(cron, expected):
    found = moments(flow.StartTimer(cron=cron), NOVEMBER, 3)
    assert [moment.strftime("%m-%d") for moment in found] == expected


@pytest.mark.parametrize("since", [SPRING, AUTUMN])
def test_every_hour_goes_by_the_hours_that_pass(since):
    found = moments(flow.StartTimer(cron="0 * * * *", timezone="Europe/Berlin"), since, 10)
    assert {b - a for a, b in pairwise(found)} == {dt.timedelta(hours=1)}


INSTANTS = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2037, 1, 1), timezones=st.just(dt.UTC))
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
)
MINUTES = st.sampled_from(["0", "30", "*", "*/7", "15,45", "59"])
HOURS = st.sampled_from(["*", "2", "0,1,2,3", "*/2", "23", "1-3"])
DAYS = st.sampled_from(["* * *", "1 * *", "* * 1-5", "* 3,10 sun", "31 * *"])
NODES = st.one_of(
    st.builds(
        lambda minute, hour, day, zone: flow.StartTimer(cron=f"{minute} {hour} {day}", timezone=zone),
        MINUTES, HOURS, DAYS, ZONES,
    ),
    st.timedeltas(dt.timedelta(microseconds=1), dt.timedelta(days=40)).map(lambda i: flow.StartTimer(interval=i)),
)  # fmt: skip


@given(NODES, INSTANTS, st.timedeltas(dt.timedelta(), dt.timedelta(days=3)))
def test_the_next_moment_is_always_ahead_and_none_is_met_twice(node, now, late):
    first = next_start(node, now)
    assert first > now
    assert next_start(node, first - dt.timedelta(microseconds=1), first) >= first
    second = next_start(node, first + late, first)
    assert second > first + late
    if node.interval is None:
        assert next_start(node, now) == first, "the moments do not depend on when they are asked for"
        assert next_start(node, first - dt.timedelta(microseconds=1)) == first
        between = next_start(node, first)
        assert first < between <= second
    else:
        assert (second - first) % node.interval == dt.timedelta(), "an interval keeps its beat"


@pytest.mark.parametrize(
    ("weekday", "expected"),
    [
        ("1", "Mon"), ("0", "Sun"), ("7", "Sun"), ("mon-fri", "Mon Tue Wed Thu Fri"), ("1-5", "Mon Tue Wed Thu Fri"),
        ("5-7", "Sun Fri Sat"), ("sat-mon", "Sun Mon Sat"), ("*/2", "Sun Tue Thu Sat"), ("SUN,3", "Sun Wed"),
        ("1/2", "Mon Wed Fri"),
    ],
)  # fmt: skip
def test_days_of_the_week_are_those_of_cron(weekday, expected):
    sunday = dt.datetime(2026, 7, 5, tzinfo=dt.UTC)
    found = moments(flow.StartTimer(cron=f"0 8 * * {weekday}"), sunday, len(expected.split()))
    assert " ".join(moment.strftime("%a") for moment in found) == expected
    assert found[-1] < sunday + dt.timedelta(days=7)


@pytest.mark.parametrize(
    "cron", ["99 8 * * *", "0 8 * * 8", "0 8 * * day", "x * * * *", "*/0 * * * *", "5-1-2 * * * *"]
)
def test_a_schedule_that_cannot_be_read_is_refused_when_its_class_is_made(cron):
    with pytest.raises(FlowError, match=r"NeverFlow.start: cron="):

        class NeverFlow(flow.Flow):
            start = flow.StartTimer(cron=cron).Next(this.end)
            end = flow.End()


@pytest.mark.parametrize("cron", ["0 8 30 2 *"])
def test_a_schedule_without_a_moment_is_refused_when_the_application_is_made(cron):
    class NeverFlow(flow.Flow):
        start = flow.StartTimer(cron=cron).Next(this.end)
        end = flow.End()

    with pytest.raises(FlowError, match=r"NeverFlow.start: cron="):
        check([NeverFlow])
