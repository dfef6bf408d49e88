"""The script of the incident, and of the callbacks that wait for its end."""

import logging

import pytest

from flows.callback import CallbackFlow
from flows.incident import IncidentFlow, Severity


@pytest.fixture
def report(flow_tester):
    def start(severity=Severity.MAJOR):
        run = flow_tester(IncidentFlow)
        return run.start("start", user="alice", service="Mail", severity=severity, report="No mail comes in")

    return start


def take_up(run):
    run.task("take_up").assign("bob").execute(severity=run.process.severity)
    (repair,) = run.children("repair")
    return repair


def test_an_incident_is_taken_up_repaired_and_learnt_from(report):
    run = report()
    repair = take_up(run)
    assert (repair.process.service, repair.process.report) == ("Mail", "No mail comes in")

    repair.task("mend").assign("carol").execute(cause="The disk was full")
    assert repair.path == ["start", "mend", "tell_cause", "works"]
    assert run.process.cause == "The disk was full", "the review is about it"
    review = run.task("review")
    assert review.owner.username == "bob", "who took it up leads the review"
    review.execute(lesson="Watch the disk")

    assert run.process.status == "DONE"
    assert run.path == ["start", "take_up", "repair", "all_clear", "review", "closed"]


@pytest.mark.parametrize(
    ("severity", "minutes"), [(Severity.CRITICAL, 15), (Severity.MAJOR, 60), (Severity.MINOR, 480)]
)
def test_the_manager_is_paged_when_nobody_takes_it_up_in_time(report, caplog, severity, minutes):
    run = report(severity)
    run.advance(minutes=minutes - 1)
    assert run.path == ["start"]

    with caplog.at_level(logging.WARNING, "flows.incident"):
        run.advance(minutes=2)

    assert run.path == ["start", "take_up__timeout", "page_manager", "paged"]
    assert run.task("take_up").status == "NEW", "the page cancels nothing"
    assert "Mail" in caplog.text
    assert run.process.status == "NEW"


def test_a_critical_incident_comes_first(report):
    assert report(Severity.CRITICAL).task("take_up").priority == 10
    assert report(Severity.MINOR).task("take_up").priority == 0


def test_a_long_repair_calls_for_help_and_goes_on(report):
    run = report()
    repair = take_up(run)

    run.advance(hours=2, minutes=1)

    assert repair.path == ["start", "mend__timeout", "call_help", "called"]
    assert repair.task("mend").status == "NEW"
    assert run.task("repair").status == "STARTED"
    run.task("help_out").assign("dave").execute()
    repair.task("mend").assign("carol").execute(cause="A loop in the rules")
    run.task("review").execute(lesson="Test the rules")

    assert run.process.status == "DONE"
    assert run.path == [
        "start", "take_up", "repair__escalation", "help_out", "helped", "repair", "all_clear", "review",
        "closed",
    ]  # fmt: skip


def test_an_incident_is_open_as_long_as_the_help_is(report):
    run = report()
    repair = take_up(run)
    run.advance(hours=3)
    repair.task("mend").assign("carol").execute(cause="Nobody knows")
    run.task("review").execute(lesson="None")

    assert run.process.status == "NEW"
    run.task("help_out").assign("dave").execute()
    assert run.process.status == "DONE"


def test_the_all_clear_releases_every_callback_that_waits(flow_tester, report):
    callbacks = [flow_tester(CallbackFlow) for _ in range(2)]
    for number, callback in enumerate(callbacks):
        callback.start("start", user="erin", customer=f"Customer {number}", phone="031 300 00 00")
        assert callback.task("all_clear").status == "STARTED"

    take_up(report()).task("mend").assign("carol").execute(cause="The disk was full")

    for callback in callbacks:
        assert callback.task("call_back").owner.username == "erin"
        callback.task("call_back").execute()
        assert callback.process.status == "DONE"
        assert callback.path == ["start", "all_clear", "call_back", "called_back"]
