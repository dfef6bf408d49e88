"""Orders from a web shop: a program starts them, others answer, and the customer may withdraw until the parcel goes."""

import datetime as dt
import logging
from decimal import Decimal

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, this
from portal.models import Process, db

log = logging.getLogger(__name__)


class Article(db.Model):
    """What the shop sells, and how much of it there is."""

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    in_stock: Mapped[int] = mapped_column(default=0)


class WebOrderProcess(Process):
    customer = jsonstore.EmailField("Customer", required=True)
    article = jsonstore.ReferenceField(Article, "Article", required=True)
    pieces = jsonstore.IntegerField("Pieces", default=1, min_value=1, required=True)
    days_to_pay = jsonstore.IntegerField("Days to pay", default=10)
    paid = jsonstore.DecimalField("Paid")
    carrier = jsonstore.ChoiceField("Carrier", choices=["letter post", "parcel post", "forwarder"])
    parcel = jsonstore.StringField("Number of the parcel")


class WebOrderFlow(flow.Flow):
    """Web order

    Paid, in stock, packed: each step waits for another program. The customer may withdraw meanwhile."""

    process_class = WebOrderProcess
    process_summary_template = "{{ process.pieces }} × {{ process.article.name }} for {{ process.customer }}"
    process_result_template = (
        "{% if process.parcel %}Sent as {{ process.parcel }}{% else %}Withdrawn{% endif %}"
    )

    start = flow.StartHandle(this.take_order).Annotation(title="Order comes in").Next(this.terms)
    terms = flow.BusinessRule(this.set_terms).Annotation(title="Set the terms").Next(this.delivery)
    delivery = flow.DecisionTable("carriers.csv").Annotation(title="Choose the carrier").Next(this.meanwhile)
    meanwhile = flow.Split().Next(this.money).Next(this.withdrawal).Annotation(title="Meanwhile")
    withdrawal = flow.Handle().Annotation(title="Customer withdraws").Next(this.withdrawn)
    withdrawn = flow.TerminateEnd()
    money = flow.SplitFirst().Next(this.payment).Next(this.patience).Annotation(title="Money?")
    payment = flow.MessageCatch(this.book).Annotation(title="Payment").Next(this.goods)
    patience = flow.Timer(this.last_day_to_pay).Annotation(title="Last day to pay").Next(this.unpaid)
    unpaid = flow.ErrorEnd("unpaid")
    goods = flow.ConditionalCatch(this.is_in_stock).Annotation(title="In stock").Next(this.commit)
    commit = (
        flow.CancelRegion(this.withdrawal).Annotation(title="Too late to withdraw").Next(this.order_parcel)
    )
    order_parcel = (
        flow.MessageThrow(this.tell_warehouse).Annotation(title="Order the parcel").Next(this.packed)
    )
    packed = flow.Handle(this.note_parcel).Annotation(title="Parcel is packed").Next(this.sent)
    sent = flow.End()

    def take_order(
        self, activation: flow.Activation[WebOrderProcess], customer: str, article: Article, pieces: int = 1
    ) -> None:
        process = activation.process
        process.customer, process.article, process.pieces = customer, article, pieces

    def set_terms(self, activation: flow.Activation[WebOrderProcess]) -> None:
        known = WebOrderProcess.customer == activation.process.customer
        before = db.session.query(WebOrderProcess).filter(known, WebOrderProcess.parcel.is_not(None))
        activation.process.days_to_pay = 30 if before.count() else 10

    def last_day_to_pay(self, activation: flow.Activation[WebOrderProcess]) -> dt.datetime:
        return activation.now + dt.timedelta(days=activation.process.days_to_pay)

    def book(self, activation: flow.Activation[WebOrderProcess], amount: Decimal) -> None:
        activation.process.paid = amount

    def is_in_stock(self, activation: flow.Activation[WebOrderProcess]) -> bool:
        process = activation.process
        return process.article.in_stock >= process.pieces

    def tell_warehouse(self, activation: flow.Activation[WebOrderProcess]) -> None:
        process = activation.process
        process.article.in_stock -= process.pieces
        log.info("Pack %s × %s for %s", process.pieces, process.article.name, process.carrier)

    def note_parcel(self, activation: flow.Activation[WebOrderProcess], number: str) -> None:
        activation.process.parcel = number
