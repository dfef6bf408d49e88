"""Money goes back to a customer when a manager agrees."""

from __future__ import annotations

from portal import act, flow, jsonstore, this, views
from portal.models import Process

from .models import Refund, Task, db


class RefundProcess(Process):
    agreed = jsonstore.BooleanField("Refund agreed", labels=("Agree", "Decline"), default=False)
    remark = jsonstore.TextField("Remark")


class RefundFlow(flow.Flow):
    """Refund

    A clerk asks for it, a manager agrees, and the money is paid back."""

    process_class = RefundProcess
    process_summary_template = "Refund of {{ process.artifact }}"
    process_result_template = "{{ 'Paid' if process.artifact.paid else 'Declined' }}"

    start = (
        flow.Start(views.CreateArtifactView.as_view(model=Refund, fields=["order", "amount", "reason"]))
        .Annotation(title="Ask for a refund")
        .Permission(auto_create=True)
        .Next(this.approve)
    )
    approve = (
        flow.View(
            views.UpdateProcessView.as_view(fields=["remark"], decide="agreed", require={False: ["remark"]})
        )
        .Annotation(title="Approve the refund")
        .Permission(auto_create=True)
        .Next(this.is_agreed)
    )
    is_agreed = flow.If(act.process.agreed).Then(this.pay).Else(this.tell)
    pay = flow.Job(this.pay_back, retries=3).Annotation(title="Pay back").Next(this.end)
    tell = flow.Function(this.note_to_tell).Annotation(title="Note to tell the customer").Next(this.end)
    end = flow.End()

    def pay_back(self, activation: flow.Activation[RefundProcess]) -> None:
        refund = db.session.get_one(Refund, activation.process.artifact.id)
        refund.paid = True  # the job's own transaction; a bank would be called here

    def note_to_tell(self, activation: flow.Activation[RefundProcess]) -> None:
        process = activation.process
        text = f"Tell {process.artifact.order.customer}: no refund. {process.remark}"
        db.session.add(Task(text=text[:200], process=process))
