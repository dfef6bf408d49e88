"""The script of the expense claim."""

import datetime as dt
from decimal import Decimal

import pytest

from flows import expense_claim
from flows.expense_claim import ExpenseClaimFlow, PaymentRefused, transfer
from portal.errors import InvalidForm, PermissionDenied
from portal.jsonstore import Binary

GOOD, WRONG = "CH93 0076 2011 6238 5295 7", "CH93 0076 2011 6238 5295 8"
TRAIN = {"day": dt.date(2030, 7, 1), "what": "Train to Bern", "amount": Decimal("51.00")}
LUNCH = {"day": dt.date(2030, 7, 1), "what": "Lunch", "amount": Decimal("24.50")}


@pytest.fixture
def claim(flow_tester):
    def start(iban=GOOD, receipts=(TRAIN, LUNCH)):
        run = flow_tester(ExpenseClaimFlow)
        return run.start("start", user="alice", purpose="Customer in Bern", iban=iban, receipts=receipts)

    return start


def sign(run):
    run.task("approve").assign("bob").execute(approved=True)
    run.task("countersign").assign("carol").execute(countersigned=True)
    return run


def test_a_claim_is_paid_after_two_people_have_signed(claim):
    run = sign(claim())
    assert run.process.total == Decimal("75.50")
    assert [receipt.what for receipt in run.process.receipts] == ["Train to Bern", "Lunch"]

    run.jobs()

    assert run.process.status == "DONE"
    assert run.path == ["start", "approve", "in_order", "countersign", "signed", "pay", "paid"]
    assert run.process.payment == f"EXP-{run.process.id:05}"


def test_a_claim_that_is_not_in_order_is_declined_with_a_remark(claim):
    run = claim()
    run.task("approve").assign("bob").execute(approved=False, remark="The hotel's receipt is missing")

    assert run.process.status == "DONE"
    assert run.path == ["start", "approve", "in_order", "declined"]


def test_the_second_person_may_decline_too(claim):
    run = claim()
    run.task("approve").assign("bob").execute(approved=True)
    run.task("countersign").assign("carol").execute(countersigned=False, remark="Not ours")
    assert run.path[-2:] == ["signed", "declined"]


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_nobody_signs_twice(claim, who):
    run = claim()
    with pytest.raises(PermissionDenied):
        run.task("approve").assign("alice")

    run.task("approve").assign("bob").execute(approved=True)

    with pytest.raises(PermissionDenied):
        run.task("countersign").assign(who)


def test_what_the_bank_refuses_is_mended_and_paid(claim):
    run = sign(claim(iban=WRONG))
    run.jobs()
    assert run.task("pay").status == "SCHEDULED", "the payment is tried again later"
    for _ in range(3):
        run.advance(hours=1).jobs()

    mend = run.task("mend")
    assert (mend.priority, run.tasks("pay")[0].status) == (10, "CANCELED")
    assert "check digits" in run.tasks("pay")[0].data["_exception"]["message"]
    mend.assign("dave").execute(iban=GOOD)
    run.jobs()

    assert run.process.status == "DONE"
    assert run.path[-5:] == ["signed", "pay__error", "mend", "pay", "paid"]


def test_a_bank_that_is_away_for_a_moment_needs_nobody(claim, monkeypatch):
    answers = iter([ConnectionError("no answer"), None])

    def shaky(*args, **kwargs):
        if error := next(answers):
            raise error
        return transfer(*args, **kwargs)

    monkeypatch.setattr(expense_claim, "transfer", shaky)
    run = sign(claim()).jobs()
    assert run.task("pay").status == "SCHEDULED"

    run.advance(minutes=10).jobs()

    assert run.process.status == "DONE"
    assert run.tasks("mend") == []


@pytest.mark.parametrize(
    "receipts",
    [[], [{**TRAIN, "amount": None}], [{**TRAIN, "amount": Decimal("-1")}], [TRAIN, {**LUNCH, "what": ""}]],
)
def test_a_claim_has_complete_receipts(claim, receipts):
    with pytest.raises(InvalidForm):
        claim(receipts=receipts)


@pytest.mark.parametrize("iban", ["", "CH93", "not an account number", WRONG, "CH93-0076-2011-6238-5295-7"])
def test_a_wrong_account_number_is_refused(iban):
    with pytest.raises(PaymentRefused):
        transfer(iban, Decimal(1), "EXP-1")


def test_scans_go_with_a_claim(flow_tester):
    scan = Binary(b"%PDF-1.7 ticket", "ticket.pdf")
    run = flow_tester(ExpenseClaimFlow)
    run.start("start", user="alice", purpose="Bern", iban=GOOD, receipts=[TRAIN], scans=[scan])
    assert [(file.name, file.type) for file in run.process.scans] == [("ticket.pdf", "application/pdf")]
    with pytest.raises(InvalidForm, match="another type"):
        run.start(
            "start", user="alice", purpose="Bern", iban=GOOD, receipts=[TRAIN], scans=[Binary(b"MZ", "a.exe")]
        )
