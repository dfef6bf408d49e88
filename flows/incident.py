"""Incidents: deadlines that tell somebody and cancel nothing, a call for help from below, and a signal."""

import datetime as dt
import enum
import logging

from portal import act, assign, flow, jsonstore, this, views
from portal.models import Process

log = logging.getLogger(__name__)


class Severity(enum.Enum):
    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


#: how soon somebody has to take up an incident
ANSWER_WITHIN = {
    Severity.CRITICAL: dt.timedelta(minutes=15),
    Severity.MAJOR: dt.timedelta(hours=1),
    Severity.MINOR: dt.timedelta(hours=8),
}


class IncidentProcess(Process):
    service = jsonstore.StringField("Service", max_length=60, required=True, help_text="What fails?")
    report = jsonstore.TextField("What do you see?", required=True)
    severity = jsonstore.ChoiceField("Severity", choices=Severity, default=Severity.MAJOR, required=True)
    cause = jsonstore.TextField("Cause", required=True, help_text="What went wrong, and how it was mended.")
    lesson = jsonstore.TextField("What we change", required=True, help_text="So that it does not come again.")


class RepairFlow(flow.Flow):
    """Repair

    An engineer finds the cause; after two hours without a success the call for help goes up."""

    process_class = IncidentProcess
    process_summary_template = "Repair {{ process.service }}"
    process_result_template = "{{ process.service }} works again"

    start = flow.StartHandle().Annotation(title="Start repair").Next(this.mend)
    mend = (
        flow.View(views.UpdateProcessView.as_view(fields=["cause"]))
        .Annotation(
            title="Mend it",
            summary_template="{{ process.service }}: {{ process.report }}",
            result_template="{{ process.cause }}",
        )
        .Permission(auto_create=True)
        .Assign(
            assign.First(
                assign.Capability("networks", assign.ShortestQueue(), role="IT support"),
                assign.Experienced(role="IT support"),
            )
        )
        .OnTimeout(dt.timedelta(hours=2), this.call_help, interrupting=False)
        .Next(this.tell_cause)
    )
    tell_cause = flow.Function(this.note_cause).Annotation(title="Note the cause").Next(this.works)
    call_help = flow.EscalationThrow("stuck").Annotation(title="Call for help").Next(this.called)
    works = flow.End().Annotation(title="Works again")
    called = flow.End()

    def note_cause(self, activation: flow.Activation[IncidentProcess]) -> None:
        # The review is held where the incident is, and has to know.
        caller = activation.process.parent_task
        incident = caller.process if caller is not None else None
        assert isinstance(incident, IncidentProcess)
        incident.cause = activation.process.cause


class IncidentFlow(flow.Flow):
    """IT incident

    Something is out of order: taken up in time, repaired, and learnt from."""

    process_class = IncidentProcess
    category = "Workplace and IT"
    keywords = ("broken", "printer", "laptop", "outage", "help")
    milestones = {"Taken up": this.take_up, "Repair": this.all_clear, "Review": this.review}
    process_summary_template = "{{ process.service }}: {{ process.report }}"
    process_result_template = "{{ process.service }}: {{ process.lesson }}"

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["service", "severity", "report"]))
        .Annotation(title="Report an incident")
        .Next(this.take_up)
    )
    take_up = (
        flow.View(views.UpdateProcessView.as_view(fields=["severity"]))
        .Annotation(title="Start work", description="Say how bad it is; the repair begins at once.")
        .Permission(auto_create=True)
        .Priority(this.urgency)
        .Due(this.answer_within)
        .OnTimeout(this.answer_within, this.page_manager, interrupting=False)
        .Next(this.repair)
    )
    page_manager = flow.SendHandle(this.page).Annotation(title="Page the manager").Next(this.paged)
    paged = flow.End()
    repair = (
        flow.Subprocess(
            RepairFlow.start,
            service=act.process.service,
            report=act.process.report,
            severity=act.process.severity,
        )
        .Annotation(title="Repair")
        .OnEscalation(this.help_out, "stuck")
        .Next(this.all_clear)
    )
    help_out = (
        flow.ManualTask()
        .Annotation(title="Help out", description="The repair takes long: find a second engineer.")
        .Permission(auto_create=True)
        .Priority(20)
        .Next(this.helped)
    )
    helped = flow.End()
    all_clear = flow.SignalThrow("all_clear").Annotation(title="All clear").Next(this.review)
    review = (
        flow.View(views.UpdateProcessView.as_view(fields=["lesson"]))
        .Annotation(title="Review", description="Nobody is to blame: what do we change?")
        .Assign(this.take_up.owner)
        .Due(dt.timedelta(days=7))
        .Next(this.closed)
    )
    closed = flow.End()

    def answer_within(self, activation: flow.Activation[IncidentProcess]) -> dt.datetime:
        return activation.now + ANSWER_WITHIN[activation.process.severity]

    def urgency(self, activation: flow.Activation[IncidentProcess]) -> int:
        return 10 if activation.process.severity is Severity.CRITICAL else 0

    def page(self, activation: flow.Activation[IncidentProcess]) -> None:
        log.warning("Nobody has taken up the incident of %s", activation.process.service)
