"""The script of the purchase order."""

from decimal import Decimal

import pytest

from flows.purchase_order import PurchaseOrderFlow
from portal.errors import InvalidForm

SMALL, MEDIUM, LARGE = Decimal("64.90"), Decimal("1450.00"), Decimal("48000.00")


@pytest.fixture
def ask(flow_tester):
    def start(amount):
        run = flow_tester(PurchaseOrderFlow)
        return run.start("start", user="alice", supplier="Laptops Ltd", item="Laptop", amount=amount)

    return start


@pytest.mark.parametrize("amount", [Decimal("0.01"), SMALL, Decimal("99.99")])
def test_a_small_purchase_is_ordered_without_questions(ask, amount):
    run = ask(amount).jobs()

    assert run.process.status == "DONE"
    assert run.path == ["start", "by_amount", "order", "ordered"]
    assert run.process.artifact.order_number == f"PO-{run.process.id:05}"


@pytest.mark.parametrize(
    ("amount", "node", "priority"),
    [
        (Decimal(100), "approve", 0),
        (MEDIUM, "approve", 0),
        (Decimal("9999.99"), "approve", 0),
        (Decimal(10_000), "approve_large", 10),
        (LARGE, "approve_large", 10),
    ],
)
def test_the_amount_decides_who_approves(ask, amount, node, priority):
    task = ask(amount).task(node)
    assert (task.priority, task.owner_permission) == (priority, f"purchase_order.can_{node}")


@pytest.mark.parametrize(("amount", "node"), [(MEDIUM, "approve"), (LARGE, "approve_large")])
def test_a_declined_purchase_is_over(ask, amount, node):
    run = ask(amount)
    run.task(node).assign("bob").execute(approved=False, remark="Next year")

    assert run.process.status == "DONE"
    assert run.path == ["start", "by_amount", node, "decision", "declined"]
    assert run.process.artifact.order_number is None


@pytest.mark.parametrize(("amount", "node"), [(MEDIUM, "approve"), (LARGE, "approve_large")])
@pytest.mark.parametrize("order", [("check_budget", "check_supplier"), ("check_supplier", "check_budget")])
def test_two_people_check_side_by_side(ask, amount, node, order):
    run = ask(amount)
    run.task(node).assign("bob").execute(approved=True)
    for number, check in enumerate(("check_budget", "check_supplier"), 1):
        assert run.task(check).token == f"start/{run.tasks('checks')[0].number}_{number}"

    run.task(order[0]).assign("carol").execute(**_said(order[0]))
    assert run.task("checked").status == "STARTED", "the join waits for the other check"
    run.task(order[1]).assign("dave").execute(**_said(order[1]))
    run.jobs()

    assert run.process.status == "DONE"
    assert run.path == [
        "start", "by_amount", node, "decision", "checks", *order, "checked", "all_well", "order", "ordered",
    ]  # fmt: skip
    assert run.tasks("order")[0].token == "start", "behind the join the branches are one path again"


@pytest.mark.parametrize("failed", ["check_budget", "check_supplier"])
def test_one_failed_check_declines_the_purchase(ask, failed):
    run = ask(MEDIUM)
    run.task("approve").assign("bob").execute(approved=True)
    for check in ("check_budget", "check_supplier"):
        run.task(check).assign("carol").execute(**_said(check, check != failed))

    assert run.process.status == "DONE"
    assert run.path[-3:] == ["checked", "all_well", "declined"]
    assert run.tasks("order") == []


@pytest.mark.parametrize("check", ["check_budget", "check_supplier"])
def test_a_check_that_says_nothing_does_not_decline(ask, check):
    run = ask(MEDIUM)
    run.task("approve").assign("bob").execute(approved=True)
    task = run.task(check).assign("carol")
    with pytest.raises(InvalidForm):
        task.execute()
    assert run.task(check).status == "ASSIGNED"


def test_the_checks_keep_each_others_answers(ask):
    run = ask(MEDIUM)
    run.task("approve").assign("bob").execute(approved=True, remark="Go on")
    run.task("check_supplier").assign("carol").execute(supplier_ok=True)
    run.task("check_budget").assign("dave").execute(budget_ok=False)

    process = run.process
    assert (process.supplier_ok, process.budget_ok, process.remark) == (True, False, "Go on")


def _said(check, good=True):
    return {check.removeprefix("check_") + "_ok": good}
