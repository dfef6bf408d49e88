"""A flow in which two people have one field in their forms at the same time, and a step below it fails."""

import datetime as dt

from portal import flow, jsonstore, this, views
from portal.models import Process


class OfferProcess(Process):
    title = jsonstore.StringField("Title", required=True)
    amount = jsonstore.DecimalField("Amount", required=True)
    note = jsonstore.TextField("Note")


class TransmitFlow(flow.Flow):
    """Transmit"""

    start = flow.StartHandle().Next(this.send)
    send = flow.Function(this.fail).Annotation(title="Send to bank").Next(this.end)
    end = flow.End()

    def fail(self, activation):
        raise ValueError("The bank's certificate has expired")


class OfferFlow(flow.Flow):
    """Offer"""

    process_class = OfferProcess
    process_summary_template = "{{ process.title }}: {{ process.amount }}"

    start = flow.Start(views.CreateProcessView.as_view(fields=["title", "amount", "note"])).Next(this.share)
    share = flow.Split().Next(this.check).Next(this.price).Next(this.transmit).Next(this.ask)
    check = (
        flow.View(views.UpdateProcessView.as_view(fields=["amount", "note"]))
        .Annotation(title="Check offer")
        .Permission(auto_create=True)
        .Next(this.join)
    )
    price = (
        flow.View(views.UpdateProcessView.as_view(fields=["amount", "note"]))
        .Annotation(title="Check price")
        .Permission(auto_create=True)
        .Next(this.join)
    )
    transmit = flow.Subprocess(TransmitFlow.start).Annotation(title="Transmit to bank").Next(this.join)
    ask = (
        flow.Job(this.find_no_price, retries=3, backoff=dt.timedelta(hours=1))
        .Annotation(title="Ask price service")
        .Next(this.join)
    )
    join = flow.Join().Next(this.end)
    end = flow.End()

    def find_no_price(self, activation):
        raise ConnectionError("https://prices.example.com/a-long-address-without-any-space does not answer")
