"""Leave: a form, a manager's decision, a reminder and a deadline."""

import datetime as dt

from portal import act, assign, flow, jsonstore, this, views
from portal.models import Process


class LeaveRequestProcess(Process):
    kind = jsonstore.ChoiceField(
        "Kind of leave",
        choices=[("holiday", "Holiday"), ("parental", "Parental leave"), ("unpaid", "Unpaid leave")],
        default="holiday",
        required=True,
    )
    days_paid = jsonstore.IntegerField(
        "Days still paid", minimum=0, help_text="As agreed with the personnel office."
    )
    first_day = jsonstore.DateField("First day", required=True)
    last_day = jsonstore.DateField("Last day", required=True, help_text="The last day that you are away.")
    cover = jsonstore.StringField("Who covers for you", max_length=100)
    reason = jsonstore.TextField("Anything your manager should know")
    approved = jsonstore.BooleanField("Leave approved", labels=("Approve", "Decline"), default=False)
    remark = jsonstore.TextField("Remark", help_text="The employee will read this.")
    escalated = jsonstore.BooleanField("Escalated", default=False)

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    @property
    def absence(self) -> str:
        return f"{self.days} {'day' if self.days == 1 else 'days'} off from {self.first_day.day} {self.first_day:%b %Y}"


def ends_after_it_begins(leave: LeaveRequestProcess) -> None:
    if leave.last_day < leave.first_day:
        raise ValueError("The last day is before the first one.")


class LeaveRequestFlow(flow.Flow):
    """Leave request

    Take days off; your manager decides within two days, else the head of staff does."""

    process_class = LeaveRequestProcess
    category = "People"
    keywords = ("holiday", "day off", "vacation", "parental leave")
    milestones = {"Decision": this.decision, "In the calendar": this.granted}
    withdraw = True
    process_summary_template = "{{ process.absence }}"
    process_result_template = "{{ 'Approved' if process.approved else 'Declined' }}"

    start = (
        flow.Start(
            views.CreateProcessView.as_view(
                fields=[
                    "kind",
                    views.When("kind", "unpaid", "days_paid"),
                    views.Row("first_day", "last_day"),
                    views.Section("While you are away", "cover", "reason"),
                ],
                check=ends_after_it_begins,
            )
        )
        .Annotation(title="Ask for leave")
        .Next(this.approve)
    )
    approve = (
        flow.View(
            views.UpdateProcessView.as_view(fields=["remark"], decide="approved", require={False: ["remark"]})
        )
        .Annotation(
            title="Decide on leave", description="Check that someone covers, then approve or decline."
        )
        .Permission(auto_create=True)
        .Assign(assign.ManagerOf(this.start.owner))
        .Due(dt.timedelta(days=2))
        .OnTimeout(dt.timedelta(days=2), this.mark_escalated)
        .Next(this.decision)
    )
    mark_escalated = (
        flow.Function(this.note_escalation).Annotation(title="Note the delay").Next(this.approve_late)
    )
    approve_late = (
        flow.View(
            views.UpdateProcessView.as_view(fields=["remark"], decide="approved", require={False: ["remark"]})
        )
        .Annotation(title="Decide on late leave", description="The manager did not decide in time.")
        .Permission("leave_request.head_of_staff")
        .Priority(10)
        .Next(this.decision)
    )
    decision = (
        flow.If(act.process.approved)
        .Then(this.enter, label="Approved")
        .Else(this.declined, label="Declined")
        .Annotation(title="Approved?")
    )
    enter = flow.Job(this.enter_in_calendar).Annotation(title="Enter in the calendar").Next(this.granted)
    granted = flow.End()
    declined = flow.End()

    def note_escalation(self, activation: flow.Activation[LeaveRequestProcess]) -> None:
        activation.process.escalated = True

    def enter_in_calendar(self, activation: flow.Activation[LeaveRequestProcess]) -> None:
        process = activation.process
        activation.progress(0, process.days, "entering days")
        activation.process.data["calendar"] = [
            (process.first_day + dt.timedelta(days=i)).isoformat() for i in range(process.days)
        ]
        activation.progress(process.days, process.days, "entered")
