"""Shipment: a clerk and the warehouse work side by side, and a process with a table of its own."""

from decimal import Decimal

from sqlalchemy import Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from portal import act, assign, flow, jsonstore, this, views
from portal.models import Process


class ShipmentProcess(Process):
    """Columns where other programs read them, and fields for what matters here only."""

    __tablename__ = "shipment"

    order_number: Mapped[str] = mapped_column(String(30), index=True)
    destination: Mapped[str] = mapped_column(String(200))
    worth: Mapped[Decimal] = mapped_column(Numeric(12, 2))

    carrier = jsonstore.ChoiceField(
        "Carrier", choices=[("post", "Post"), ("special", "Special carrier")], default="post", required=True
    )
    insured = jsonstore.BooleanField("Insure it", default=False, help_text="Worth it from about 500.")
    policy = jsonstore.StringField("Number of the insurance policy", max_length=40, required=True)
    quote = jsonstore.StringField("The best quote", max_length=200, required=True)
    label_number = jsonstore.StringField("Number on the label", max_length=40, required=True)
    delayed = jsonstore.BooleanField("Delayed by a strike", default=False)
    parcels = jsonstore.IntegerField("Parcels", default=1, min_value=1, max_value=999, required=True)


class ShipmentFlow(flow.Flow):
    """Shipment

    The clerk sees to the papers while the warehouse packs; then the carrier comes."""

    process_class = ShipmentProcess
    category = "Logistics"
    keywords = ("parcel", "goods", "carrier", "customs")
    milestones = {"Packed": this.pack, "Papers": this.ready, "On its way": this.hand_over}
    process_summary_template = "Order {{ process.order_number }} to {{ process.destination }}"
    process_result_template = (
        "Order {{ process.order_number }} left in {{ process.parcels }} for {{ process.destination }}"
    )

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["order_number", "destination", "worth"]))
        .Annotation(title="Goods to ship")
        .Permission(auto_create=True)
        .Next(this.prepare)
    )
    prepare = flow.Split().Next(this.choose_carrier).Next(this.pack).Annotation(title="Papers and parcels")
    choose_carrier = (
        flow.View(views.UpdateProcessView.as_view(fields=["carrier", "insured"]))
        .Annotation(
            title="Choose the carrier",
            summary_template="Order {{ process.order_number }} to {{ process.destination }}, worth {{ process.worth }}",
        )
        .Permission("shipment.clerk")
        .Next(this.by_post)
    )
    by_post = (
        flow.If(act.process.carrier == "post")
        .Then(this.papers, label="Post")
        .Else(this.get_quotes, label="Special carrier")
        .Annotation(title="By post?")
    )
    papers = (
        flow.Split()
        .Next(this.insure, case=act.process.insured)
        .Always(this.label_parcels)
        .Annotation(title="Papers")
    )
    insure = (
        flow.View(views.UpdateProcessView.as_view(fields=["policy"]))
        .Annotation(
            title="Insure", summary_template="Order {{ process.order_number }}, worth {{ process.worth }}"
        )
        .Permission("shipment.clerk")
        .Next(this.papers_done)
    )
    label_parcels = (
        flow.View(views.UpdateProcessView.as_view(fields=["label_number"]))
        .Annotation(title="Print the label")
        .Permission("shipment.clerk")
        .Assign(assign.CaseOwner(role="Sales"))
        .Next(this.papers_done)
    )
    papers_done = flow.Join().Annotation(title="Papers done").Next(this.ready)
    get_quotes = (
        flow.View(views.UpdateProcessView.as_view(fields=["quote"]))
        .Annotation(title="Get quotes", description="Ask three carriers and take the best.")
        .Permission("shipment.clerk")
        .Assign(assign.CaseOwner(role="Sales"))
        .Due(flow.working(days=1))
        .Next(this.ready)
    )
    pack = (
        flow.View(views.UpdateProcessView.as_view(fields=["parcels"]))
        .Annotation(title="Pack the goods", description="Say how many parcels it became.")
        .Permission("shipment.warehouse")
        .Next(this.ready)
    )
    ready = flow.Join().Annotation(title="Ready").Next(this.hand_over)
    hand_over = (
        flow.ManualTask()
        .Annotation(
            title="Hand over",
            summary_template="Order {{ process.order_number }}: {{ process.parcels }} to the carrier",
        )
        .Permission("shipment.warehouse")
        .OnMessage("moved", this.mend_label, interrupting=False, title="The customer has moved")
        .OnSignal("strike", this.note_delay, interrupting=False, title="The carriers strike")
        .Next(this.shipped)
    )
    mend_label = (
        flow.View(views.UpdateProcessView.as_view(fields=["destination", "label_number"]))
        .Annotation(title="Mend the label", description="The customer has told of a new address.")
        .Permission("shipment.clerk")
        .Next(this.shipped)
    )
    note_delay = flow.Function(this.add_delay).Annotation(title="Note the delay").Next(this.shipped)
    shipped = flow.End()

    def add_delay(self, activation: flow.Activation[ShipmentProcess]) -> None:
        activation.process.delayed = True
