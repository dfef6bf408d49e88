"""Onboarding: a checklist that is planned in a form, and a process of its own for each of its items."""

import datetime as dt

from portal import act, flow, jsonstore, this, views
from portal.models import Process

TEAMS = [("it", "IT"), ("facilities", "Facilities"), ("people", "People and pay")]


class ChecklistItem(jsonstore.Schema):
    what = jsonstore.StringField("What", max_length=100, required=True)
    team = jsonstore.ChoiceField("Team", choices=TEAMS, default="people", required=True)
    days_before = jsonstore.IntegerField(
        "Days before", default=1, min_value=0, max_value=60, required=True, help_text="the first one at work"
    )


def usual_checklist() -> list[ChecklistItem]:
    return [
        ChecklistItem(what="Laptop and accounts", team="it", days_before=3),
        ChecklistItem(what="Desk and badge", team="facilities", days_before=1),
        ChecklistItem(what="Contract and payroll", team="people", days_before=10),
    ]


class ChecklistItemProcess(Process):
    employee = jsonstore.StringField("Employee")
    what = jsonstore.StringField("What")
    team = jsonstore.ChoiceField("Team", choices=TEAMS)
    due_on = jsonstore.DateField("Ready on", required=True)
    remark = jsonstore.TextField("Remark", help_text="Such as a serial number, or where the thing lies.")


class ChecklistItemFlow(flow.Flow):
    """Checklist item

    One thing that a team gets ready for a new colleague."""

    process_class = ChecklistItemProcess
    process_summary_template = "{{ process.what }} for {{ process.employee }}"
    process_result_template = "{{ process.what }} is ready"

    start = flow.StartHandle(this.begin).Annotation(title="Item of a checklist").Next(this.prepare)
    prepare = (
        flow.View(views.UpdateProcessView.as_view(fields=["remark"]))
        .Annotation(
            title="Get it ready",
            description="Finish this when it is really there: the new colleague counts on it.",
            result_template="{{ process.what }} is ready. {{ process.remark or '' }}",
        )
        # who holds checklist_item.can_prepare does every item, checklist_item.can_prepare:it those of IT
        .Permission(auto_create=True, obj=act.process.team)
        .Due(this.morning_of_the_day)
        .Next(this.ready)
    )
    ready = flow.End()

    def begin(
        self,
        activation: flow.Activation[ChecklistItemProcess],
        item: ChecklistItem,
        employee: str,
        first_day: dt.date,
    ) -> None:
        process = activation.process
        process.employee, process.what, process.team = employee, item.what, item.team
        process.due_on = first_day - dt.timedelta(days=item.days_before)

    def morning_of_the_day(self, activation: flow.Activation[ChecklistItemProcess]) -> dt.datetime:
        return dt.datetime.combine(activation.process.due_on, dt.time(8), dt.UTC)


class OnboardingProcess(Process):
    employee = jsonstore.StringField("Name of the employee", max_length=100, required=True)
    job = jsonstore.StringField("Job", max_length=100, required=True)
    first_day = jsonstore.DateField("First day", required=True)
    checklist = jsonstore.EmbeddedListField(
        ChecklistItem, "Checklist", default=usual_checklist, help_text="Each item becomes a task of its team."
    )


class OnboardingFlow(flow.Flow):
    """Onboarding

    Everything is ready when a new colleague comes in: each item of the checklist goes to its team."""

    process_class = OnboardingProcess
    category = "People"
    keywords = ("new colleague", "hire", "first day", "laptop")
    milestones = {"Planned": this.plan, "Prepared": this.prepare, "Welcomed": this.welcome}
    process_summary_template = (
        "{{ process.employee }}, {{ process.job }}, "
        "from {{ process.first_day.day }} {{ process.first_day.strftime('%b %Y') }}"
    )
    process_result_template = "{{ process.employee }} is on board"

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["employee", "job", "first_day"]))
        .Annotation(title="Announce a new colleague")
        .Permission(auto_create=True)
        .Next(this.plan)
    )
    plan = (
        flow.View(views.UpdateProcessView.as_view(fields=["checklist"]))
        .Annotation(title="Plan the checklist", description="Add what this job needs, drop what it does not.")
        .Permission(auto_create=True)
        .Next(this.prepare)
    )
    prepare = (
        flow.NSubprocess(
            ChecklistItemFlow.start,
            act.process.checklist,
            employee=act.process.employee,
            first_day=act.process.first_day,
        )
        .Annotation(title="Work off the checklist")
        .Next(this.welcome)
    )
    welcome = (
        flow.ManualTask()
        .Annotation(title="Welcome the colleague", summary_template="{{ process.employee }} can come")
        .Assign(this.start.owner)
        .Next(this.on_board)
    )
    on_board = flow.End()
