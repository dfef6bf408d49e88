"""The script of the leave request."""

import datetime as dt

import pytest

from flows.leave_request import LeaveRequestFlow
from portal.errors import InvalidForm

MONDAY, TUESDAY = dt.date(2030, 7, 1), dt.date(2030, 7, 2)


@pytest.fixture
def run(flow_tester):
    run = flow_tester(LeaveRequestFlow)
    return run.start("start", user="alice", kind="holiday", first_day=MONDAY, last_day=TUESDAY, reason="Sea")


def test_approved_leave_is_entered_in_the_calendar(run):
    run.task("approve").assign("bob").execute(approved=True, remark="Enjoy")
    run.jobs()

    assert run.process.status == "DONE"
    assert run.path == ["start", "approve", "decision", "enter", "granted"]
    assert run.process.data["calendar"] == ["2030-07-01", "2030-07-02"]
    assert run.process.remark == "Enjoy"


def test_leave_does_not_end_before_it_begins(flow_tester):
    with pytest.raises(InvalidForm, match="The last day is before the first one"):
        flow_tester(LeaveRequestFlow).start("start", user="alice", first_day=TUESDAY, last_day=MONDAY)


def test_declined_leave_ends_with_a_remark(run):
    run.task("approve").assign("bob").execute(approved=False, remark="Carol is away")

    assert run.process.status == "DONE"
    assert run.path == ["start", "approve", "decision", "declined"]
    assert run.process.remark == "Carol is away"


def test_leave_that_nobody_decides_on_goes_to_the_head_of_staff(run):
    run.advance(days=2, seconds=1)
    assert run.tasks("approve")[0].status == "CANCELED"
    late = run.task("approve_late")
    assert (late.priority, late.owner_permission) == (10, "leave_request.head_of_staff")

    late.assign("carol").execute(approved=True)
    run.jobs()

    assert run.path == [
        "start", "approve__timeout", "mark_escalated", "approve_late", "decision", "enter", "granted",
    ]  # fmt: skip
    assert run.process.escalated is True


def test_the_task_is_due_when_the_deadline_fires(run):
    task = run.task("approve")
    assert task.due - task.created == dt.timedelta(days=2)


def test_only_unpaid_leave_asks_for_the_days_that_are_paid(flow_tester):
    days = {"first_day": MONDAY, "last_day": TUESDAY, "days_paid": 1}
    assert (
        flow_tester(LeaveRequestFlow).start("start", user="alice", kind="unpaid", **days).process.days_paid
        == 1
    )
    holiday = flow_tester(LeaveRequestFlow).start("start", user="alice", kind="holiday", **days)
    assert holiday.process.days_paid is None
