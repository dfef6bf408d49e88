"""The script of the booking: all of it, or nothing."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from flows import booking
from flows.booking import BookingFlow
from portal.models import db

RESERVED = ["start", "reserve_hotel", "reserve_flight"]
TAKEN_BACK = ["cancel_flight", "cancel_hotel", "take_back", "not_booked"]


@pytest.fixture
def ask(flow_tester):
    def start(card_limit=Decimal(1000)):
        run = flow_tester(BookingFlow)
        trip = {"city": "lisbon", "first_night": dt.date(2030, 7, 1), "nights": 3}
        return run.start("start", user="alice", card_limit=card_limit, **trip).jobs()

    return start


def is_taken_back(run):
    process = run.process
    return (process.status, process.hotel, process.flight) == ("DONE", None, None)


def test_a_trip_is_reserved_confirmed_and_charged(ask):
    run = ask()
    assert run.process.price == Decimal("525.00")
    confirm = run.task("confirm")
    assert (confirm.status, confirm.owner.username) == ("ASSIGNED", "alice")

    confirm.execute(agreed=True)
    run.jobs()

    assert run.process.status == "DONE"
    assert run.path == [*RESERVED, "confirm", "agreed", "charge", "booked"]
    assert (run.process.hotel, run.process.flight) == (f"H-{run.process.id:05}", f"F-{run.process.id:05}")


def test_a_trip_that_costs_too_much_is_taken_back(ask):
    run = ask()
    run.task("confirm").execute(agreed=False)
    run.jobs()

    assert run.path == [*RESERVED, "confirm", "agreed", *TAKEN_BACK]
    assert is_taken_back(run)


def test_a_declined_card_takes_everything_back_last_things_first(ask):
    run = ask(card_limit=Decimal(500))
    run.task("confirm").execute(agreed=True)
    run.jobs()

    assert run.path == [*RESERVED, "confirm", "agreed", "charge__error", *TAKEN_BACK]
    assert is_taken_back(run)


def test_who_does_not_answer_within_a_day_gets_nothing(ask):
    run = ask()
    run.advance(days=1, minutes=1).jobs()

    assert run.path == [*RESERVED, "confirm__timeout", *TAKEN_BACK]
    assert is_taken_back(run)


def test_without_a_flight_only_the_hotel_is_taken_back(ask, monkeypatch):
    def sold_out(flow, activation):
        raise LookupError("no seat is left")

    monkeypatch.setattr(booking.BookingFlow, "take_seat", sold_out)
    run = ask()
    for _ in range(3):
        run.advance(hours=1).jobs()

    expected = ["start", "reserve_hotel", "reserve_flight__error", "cancel_hotel", "take_back", "not_booked"]
    assert run.path == expected
    assert is_taken_back(run)
    assert run.process.price == 0


def test_a_hotel_that_does_not_answer_is_cancelled_later(ask, monkeypatch):
    free_room, answers = BookingFlow.free_room, iter([ConnectionError("no answer"), None])

    def shaky(flow, activation):
        if error := next(answers):
            raise error
        free_room(flow, activation)

    monkeypatch.setattr(BookingFlow, "free_room", shaky)
    run = ask()
    run.task("confirm").execute(agreed=False)
    run.jobs()
    assert run.process.status == "NEW"
    run.advance(minutes=1).jobs()
    assert is_taken_back(run)


def test_the_picture_shows_what_was_taken_back(ask, flow_tester):
    run = ask()
    run.task("confirm").execute(agreed=False)
    run.jobs()

    client = flow_tester.app.test_client()
    flow_tester.person("alice", []).set_password("correct horse")
    db.session.commit()
    client.post("/login", data={"username": "alice", "password": "correct horse"})
    picture = client.get(f"/processes/{run.process.id}/chart.svg").text

    for name in ("reserve_hotel__compensation", "reserve_flight__compensation", "cancel_hotel"):
        (drawn,) = re.findall(rf'<g class="([^"]*)" data-node="{name}">', picture)
        assert "flow-is-done" in drawn
