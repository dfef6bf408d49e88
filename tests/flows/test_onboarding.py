"""The script of the onboarding."""

import datetime as dt

import pytest

from flows.onboarding import ChecklistItem, OnboardingFlow
from portal.errors import PermissionDenied

FIRST_DAY = dt.date(2030, 7, 15)


@pytest.fixture
def run(flow_tester):
    run = flow_tester(OnboardingFlow)
    return run.start("start", user="alice", employee="Dora", job="Engineer", first_day=FIRST_DAY)


@pytest.fixture
def plan(run):
    """The plan with these items; the usual ones without."""

    def execute(*items):
        run.task("plan").assign("bob").execute(checklist=items or list(run.process.checklist))
        return run.children("prepare")

    return execute


def test_each_item_of_the_usual_checklist_is_a_process_of_its_own(plan):
    children = plan()

    assert [(child.process.what, child.process.team, child.process.due_on) for child in children] == [
        ("Laptop and accounts", "it", dt.date(2030, 7, 12)),
        ("Desk and badge", "facilities", dt.date(2030, 7, 14)),
        ("Contract and payroll", "people", dt.date(2030, 7, 5)),
    ]
    assert {child.process.employee for child in children} == {"Dora"}
    assert {child.process.created_by.username for child in children} == {"alice"}


def test_who_announced_the_colleague_welcomes_them_when_all_is_ready(run, plan):
    for child in reversed(plan()):
        assert run.tasks("welcome") == [], "something is not ready yet"
        child.task("prepare").assign("carol").execute(remark="On the desk")
        assert child.process.status == "DONE"
        assert child.path == ["start", "prepare", "ready"]

    welcome = run.task("welcome")
    assert (welcome.status, welcome.owner.username) == ("ASSIGNED", "alice")
    welcome.execute()

    assert run.process.status == "DONE"
    assert run.path == ["start", "plan", "prepare", "welcome", "on_board"]


def test_the_checklist_can_be_planned_for_the_job(run, plan):
    (child,) = plan(ChecklistItem(what="Welding mask", team="facilities", days_before=7))

    assert [item.what for item in run.process.checklist] == ["Welding mask"]
    assert child.process.due_on == FIRST_DAY - dt.timedelta(days=7)
    assert child.task("prepare").due == dt.datetime(2030, 7, 8, 8, tzinfo=dt.UTC)


def test_one_team_sees_to_its_own_items(flow_tester, plan):
    laptop, desk, _ = plan()
    ivan = flow_tester.person("ivan", ["checklist_item.can_prepare:it"])

    with laptop.task("prepare").task.activation(ivan) as activation:
        activation.assign()
    with pytest.raises(PermissionDenied), desk.task("prepare").task.activation(ivan) as activation:
        activation.assign()

    assert laptop.task("prepare").owner == ivan


def test_a_colleague_who_does_not_come_takes_the_checklist_along(run, plan):
    children = plan()
    run.process.cancel()
    assert {child.process.status for child in children} == {"CANCELED"}
    assert {child.tasks("prepare")[0].status for child in children} == {"CANCELED"}
