"""The smallest flow with a form, a decision and a job."""

import logging
from datetime import timedelta

from portal import act, flow, jsonstore, this, views
from portal.models import Process

log = logging.getLogger(__name__)


class HelloWorldProcess(Process):
    text = jsonstore.StringField("Message", max_length=50, required=True)
    approved = jsonstore.BooleanField("Approved", labels=("Approve", "Decline"), default=False)


class HelloWorldFlow(flow.Flow):
    """Hello world

    A message to the world that a supervisor has to approve."""

    process_class = HelloWorldProcess
    category = "News"
    keywords = ("announcement", "message", "board")
    milestones = {"Approved": this.check_approve, "Sent": this.send}
    withdraw = True
    process_summary_template = "Send '{{ process.text }}' to the world"
    process_result_template = "{{ 'Sent' if process.approved else 'Rejected' }}"

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["text"]))
        .Annotation(title="New message")
        .Permission(auto_create=True)
        .Next(this.approve)
    )
    approve = (
        flow.View(views.UpdateProcessView.as_view(fields=[], decide="approved"))
        .Annotation(title="Approve", summary_template="Message review required")
        .Permission(auto_create=True)
        .OnTimeout(timedelta(days=3), this.escalate)
        .Next(this.check_approve)
    )
    check_approve = (
        flow.If(act.process.approved)
        .Then(this.send, label="Approved")
        .Else(this.end, label="Declined")
        .Annotation(title="Approved?")
    )
    send = flow.Job(this.send_message).Annotation(title="Send message").Next(this.end)
    escalate = flow.Function(this.tell_manager).Annotation(title="Tell the manager").Next(this.end)
    end = flow.End()

    def send_message(self, activation: flow.Activation[HelloWorldProcess]) -> None:
        log.info("Hello, world: %s", activation.process.text)

    def tell_manager(self, activation: flow.Activation[HelloWorldProcess]) -> None:
        log.warning("Nobody has looked at message %s for three days", activation.process.id)
