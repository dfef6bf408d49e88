"""A flow in which everything happens that people are told of."""

import datetime as dt

from portal import flow, jsonstore, this, views
from portal.models import Process


class BillProcess(Process):
    text = jsonstore.StringField("Message", required=True)
    paid = jsonstore.BooleanField("Paid", default=False)


class BillFlow(flow.Flow):
    """Bill"""

    process_class = BillProcess
    process_summary_template = "Bill for {{ process.text }}"

    start = flow.Start(views.CreateProcessView.as_view(fields=["text"])).Next(this.check)
    check = (
        flow.View(views.UpdateProcessView.as_view(fields=["paid"]))
        .Permission(auto_create=True)
        .Due(dt.timedelta(days=4))
        .Next(this.pay)
    )
    pay = flow.Function(this.send_money).Next(this.end)
    end = flow.End()

    def send_money(self, activation):
        if "<bad>" in activation.process.text:
            raise ValueError(f"no account of {activation.process.text}")
