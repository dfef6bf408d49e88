"""What fails at night: a bank that is away, and one claim with a wrong account."""

import datetime as dt

from portal import flow, jsonstore, this, views
from portal.models import Process

BANK = {"away": True}


class PayoutProcess(Process):
    title = jsonstore.StringField("Title", required=True)
    iban = jsonstore.StringField("IBAN")


def transfer(activation):
    if BANK["away"] and activation.process.iban != "CH93":
        raise ConnectionError(f"bank.example timed out after 30 s for {activation.process.id}")


class PayoutFlow(flow.Flow):
    """Payout"""

    process_class = PayoutProcess
    process_summary_template = "{{ process.title }}"
    start = flow.Start(views.CreateProcessView.as_view(fields=["title", "iban"])).Next(this.pay)
    pay = flow.Job(transfer).Next(this.rest)
    rest = flow.Timer(dt.timedelta(days=2)).Annotation(title="Cooling off").Next(this.end)
    end = flow.End()
