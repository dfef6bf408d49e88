"""A flow of one step, which those of the post room get one after the other."""

from portal import assign, flow, jsonstore, this, views
from portal.models import Process


class ParcelProcess(Process):
    recipient = jsonstore.StringField("Recipient", required=True)
    note = jsonstore.StringField("Note")


class ParcelFlow(flow.Flow):
    """Parcel"""

    process_class = ParcelProcess
    process_summary_template = "Parcel for {{ process.recipient }}"

    start = flow.Start(views.CreateProcessView.as_view(fields=["recipient"])).Next(this.deliver)
    deliver = (
        flow.View(views.UpdateProcessView.as_view(fields=["note"]))
        .Annotation(title="Deliver parcel")
        .Permission("parcel.deliver")
        .Assign(assign.RoundRobin(role="Post room"))
        .Next(this.end)
    )
    end = flow.End()
