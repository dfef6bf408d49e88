"""Expenses: lines of receipts in a form, four eyes, and a payment that may fail."""

import datetime as dt
from decimal import Decimal

from portal import act, assign, flow, jsonstore, this, views
from portal.models import Process


class PaymentRefused(Exception):
    """The bank does not take the order."""


class Receipt(jsonstore.Schema):
    day = jsonstore.DateField("Day", required=True)
    what = jsonstore.StringField("What for", max_length=100, required=True)
    amount = jsonstore.DecimalField("Amount", min_value=Decimal("0.01"), decimal_places=2, required=True)


class ExpenseClaimProcess(Process):
    purpose = jsonstore.StringField(
        "Purpose", max_length=100, required=True, help_text="Such as: visit to a customer in Bern."
    )
    iban = jsonstore.StringField("IBAN", max_length=42, required=True, help_text="Where the money goes.")
    receipts = jsonstore.EmbeddedListField(Receipt, "Receipts", required=True)
    scans = jsonstore.FileField(
        "Receipts as files",
        types=("application/pdf", "image/*"),
        max_size="5 MB",
        multiple=True,
        help_text="Scans or photos, as far as you have them.",
    )
    approved = jsonstore.BooleanField("Receipts in order", labels=("Approve", "Decline"), default=False)
    countersigned = jsonstore.BooleanField("Countersigned", labels=("Countersign", "Decline"), default=False)
    remark = jsonstore.TextField("Remark", help_text="The claimant will read this.")
    payment = jsonstore.StringField("Payment")

    @property
    def total(self) -> Decimal:
        return sum((receipt.amount for receipt in self.receipts), Decimal())

    @property
    def price(self) -> str:
        return f"CHF {self.total:,.2f}"


def is_not_paid(claim: ExpenseClaimProcess) -> bool:
    return claim.payment is None


class ExpenseClaimFlow(flow.Flow):
    """Expense claim

    Get back what you paid for work; two other people look at it first."""

    process_class = ExpenseClaimProcess
    category = "Money"
    keywords = ("receipt", "refund", "reimbursement", "train", "hotel", "lunch")
    milestones = {"Manager": this.approve, "Finance": this.countersign, "Paid": this.paid}
    withdraw = is_not_paid
    process_summary_template = "{{ process.purpose }}, {{ process.price }}"
    process_result_template = (
        "{% if process.payment %}Paid {{ process.price }}, {{ process.payment }}{% else %}Declined{% endif %}"
    )

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["purpose", "iban", "receipts", "scans"]))
        .Annotation(title="Claim expenses")
        .Next(this.approve)
    )
    approve = (
        flow.View(
            views.UpdateProcessView.as_view(fields=["remark"], decide="approved", require={False: ["remark"]})
        )
        .Annotation(
            title="Check the receipts",
            description="Is every receipt there, and was every line needed for the work?",
            summary_template="{{ process.price }} · {{ process.purpose }}",
        )
        .Permission(auto_create=True)
        .NotSameAs(this.start)
        .Assign(assign.ManagerOf(this.start.owner))
        .Due(flow.working(days=5))
        .Next(this.in_order)
    )
    in_order = (
        flow.If(act.process.approved)
        .Then(this.countersign, label="In order")
        .Else(this.declined, label="Declined")
        .Annotation(title="Receipts in order?")
    )
    countersign = (
        flow.View(
            views.UpdateProcessView.as_view(
                fields=["remark"], decide="countersigned", require={False: ["remark"]}
            )
        )
        .Annotation(
            title="Countersign",
            description="The second pair of eyes: who claimed or checked cannot sign.",
            summary_template="{{ process.price }} · {{ process.purpose }}",
        )
        .Permission(auto_create=True)
        .NotSameAs(this.start, this.approve)
        .Due(flow.working(days=3))
        .Next(this.signed)
    )
    signed = (
        flow.If(act.process.countersigned)
        .Then(this.pay, label="Signed")
        .Else(this.declined, label="Declined")
        .Annotation(title="Signed?")
    )
    pay = (
        flow.Job(this.order_payment, retries=3, backoff=dt.timedelta(minutes=5))
        .Annotation(title="Pay")
        .OnError(this.mend)
        .Next(this.paid)
    )
    mend = (
        flow.View(views.UpdateProcessView.as_view(fields=["iban"]))
        .Annotation(
            title="Fix payment details",
            description="The bank refused it several times. Correct the IBAN; it is then tried again.",
            summary_template="{{ process.price }} · the bank refuses {{ process.iban }}",
        )
        .Permission(auto_create=True)
        .Assign(assign.First(assign.Familiar(role="Finance"), assign.RoundRobin(role="Finance")))
        .Priority(10)
        .Next(this.pay)
    )
    paid = flow.End()
    declined = flow.End()

    def order_payment(self, activation: flow.Activation[ExpenseClaimProcess]) -> None:
        # A job may run twice after a crash: the same reference lets the bank see that it is the same payment.
        process = activation.process
        process.payment = transfer(process.iban, process.total, reference=f"EXP-{process.id:05}")


def transfer(iban: str, amount: Decimal, reference: str) -> str:
    """Order a payment. In place of a bank, this one takes every account number that adds up (ISO 13616)."""
    characters = iban.replace(" ", "").upper()
    turned = characters[4:] + characters[:4]
    if not (characters.isascii() and characters.isalnum() and len(characters) > 14):
        raise PaymentRefused(f"{iban} is no IBAN")
    if int("".join(str(int(character, 36)) for character in turned)) % 97 != 1:
        raise PaymentRefused(f"the check digits of {iban} are wrong")
    return reference
