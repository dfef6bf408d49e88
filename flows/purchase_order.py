"""Purchase: a document of its own, approval by amount, checks side by side, and a job that orders."""

from decimal import Decimal

from sqlalchemy import Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from portal import act, assign, flow, jsonstore, this, views
from portal.models import Process, db

#: what a list says of an order: it cuts the end, and never the sum
FIGURE_FIRST = (
    "{{ process.artifact.price }} · {{ process.artifact.item }}, from {{ process.artifact.supplier }}"
)


class PurchaseOrder(db.Model):
    __tablename__ = "purchase_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    supplier: Mapped[str] = mapped_column(String(100))
    item: Mapped[str] = mapped_column(String(200))
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": "Amount (CHF)"})
    order_number: Mapped[str | None] = mapped_column(String(30))

    @property
    def price(self) -> str:
        return f"CHF {self.amount:,.2f}"


class PurchaseOrderProcess(Process):
    approved = jsonstore.BooleanField("Purchase approved", labels=("Approve", "Decline"), default=False)
    budget_ok = jsonstore.BooleanField("Budget covers it", labels=("Covered", "Not covered"), default=False)
    supplier_ok = jsonstore.BooleanField(
        "Supplier on our list", labels=("On our list", "Not on our list"), default=False
    )
    remark = jsonstore.TextField("Remark")


class SupplierUnreachable(Exception):
    """The supplier's service does not answer."""


class PurchaseOrderFlow(flow.Flow):
    """Purchase order

    Have the company buy something; larger orders are approved and checked first."""

    process_class = PurchaseOrderProcess
    category = "Money"
    keywords = ("laptop", "chair", "order", "buy", "supplier")
    milestones = {"Approval": this.decision, "Checks": this.checked, "Ordered": this.ordered}
    withdraw = True
    process_summary_template = "{{ process.artifact.item }}, {{ process.artifact.price }}"
    process_result_template = (
        "{% if process.artifact.order_number %}Ordered as {{ process.artifact.order_number }}"
        "{% else %}Declined{% endif %}"
    )

    start = (
        flow.Start(
            views.CreateArtifactView.as_view(model=PurchaseOrder, fields=["supplier", "item", "amount"])
        )
        .Annotation(title="Request purchase")
        .Next(this.by_amount)
    )
    by_amount = (
        flow.Switch()
        .Case(this.order, act.process.artifact.amount < 100, label="Below 100")
        .Case(this.approve, act.process.artifact.amount < 10_000, label="Below 10,000")
        .Default(this.approve_large, label="10,000 and more")
        .Annotation(title="How much?")
    )
    approve = (
        flow.View(
            views.UpdateProcessView.as_view(fields=["remark"], decide="approved", require={False: ["remark"]})
        )
        .Annotation(title="Approve purchase", summary_template=FIGURE_FIRST)
        .Permission(auto_create=True)
        .Assign(assign.ManagerOf(this.start.owner))
        .Due(flow.working(days=3))
        .Next(this.decision)
    )
    approve_large = (
        flow.View(
            views.UpdateProcessView.as_view(fields=["remark"], decide="approved", require={False: ["remark"]})
        )
        .Annotation(title="Approve large purchase", summary_template=FIGURE_FIRST)
        .Permission(auto_create=True)
        .Due(flow.working(days=4))
        .Priority(10)
        .Next(this.decision)
    )
    decision = (
        flow.If(act.process.approved)
        .Then(this.checks, label="Approved")
        .Else(this.declined, label="Declined")
        .Annotation(title="Approved?")
    )
    checks = flow.Split().Next(this.check_budget).Next(this.check_supplier).Annotation(title="Checks")
    check_budget = (
        flow.View(views.UpdateProcessView.as_view(fields=[], decide="budget_ok"))
        .Annotation(title="Check budget", summary_template=FIGURE_FIRST)
        .Permission(auto_create=True)
        .Assign(assign.ShortestQueue(role="Finance"))
        .Due(flow.working(days=2))
        .Next(this.checked)
    )
    check_supplier = (
        flow.View(views.UpdateProcessView.as_view(fields=[], decide="supplier_ok"))
        .Annotation(title="Check supplier", summary_template=FIGURE_FIRST)
        .Permission(auto_create=True)
        .Assign(assign.RoundRobin(role="Purchasing"))
        .Due(flow.working(days=2))
        .Next(this.checked)
    )
    checked = flow.Join().Annotation(title="Checked").Next(this.all_well)
    all_well = (
        flow.If(act.process.budget_ok & act.process.supplier_ok)
        .Then(this.order, label="Yes")
        .Else(this.declined, label="No")
        .Annotation(title="All well?")
    )
    order = flow.Job(this.send_order, retries=3).Annotation(title="Send the order").Next(this.ordered)
    ordered = flow.End()
    declined = flow.End()

    def send_order(self, activation: flow.Activation[PurchaseOrderProcess]) -> None:
        order = db.session.get_one(PurchaseOrder, activation.process.artifact.id)
        order.order_number = place(order, reference=f"PO-{activation.process.id:05}")
        db.session.commit()


def place(order: PurchaseOrder, reference: str) -> str:
    """Order from a supplier. In place of their services, this one takes every order but of one that is closed."""
    if order.supplier == "Helvetia Office":
        raise SupplierUnreachable("orders.helvetia-office.example does not answer")
    return reference
