"""Callbacks: each waits for the news that an incident is over (see `incident`)."""

from portal import flow, jsonstore, this, views
from portal.models import Process


class CallbackProcess(Process):
    customer = jsonstore.StringField("Customer", max_length=100, required=True)
    phone = jsonstore.StringField("Phone", max_length=30, required=True)


class CallbackFlow(flow.Flow):
    """Callback

    A customer who asked during an incident is called when it is over."""

    process_class = CallbackProcess
    category = "Workplace and IT"
    keywords = ("call", "phone", "customer")
    milestones = {"All clear": this.all_clear, "Called back": this.call_back}
    withdraw = True
    process_summary_template = "Call {{ process.customer }}, {{ process.phone }}"

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["customer", "phone"]))
        .Annotation(title="Promise a callback")
        .Next(this.all_clear)
    )
    all_clear = flow.SignalCatch("all_clear").Annotation(title="All clear").Next(this.call_back)
    call_back = (
        flow.ManualTask().Annotation(title="Call back").Assign(this.start.owner).Next(this.called_back)
    )
    called_back = flow.End()
