"""The refund, driven without a browser."""

from __future__ import annotations

from shop.flows import RefundFlow
from shop.models import Refund, Task, db
from sqlalchemy import select

from portal.testing import FlowTester


def test_a_refund_that_is_agreed_is_paid(flow_tester: FlowTester) -> None:
    run = flow_tester(RefundFlow)
    run.start("start", user="claire", order=1, amount="12.50", reason="Broken")
    run.task("approve").assign("max").execute(agreed=True)
    run.jobs()

    assert run.process.status == "DONE"
    assert db.session.scalar(select(Refund.paid)) is True


def test_who_is_refused_a_refund_is_told(flow_tester: FlowTester) -> None:
    run = flow_tester(RefundFlow)
    run.start("start", user="claire", order=1, amount="12.50", reason="Broken")
    run.task("approve").assign("max").execute(agreed=False, remark="Too late.")

    note = db.session.scalars(select(Task)).one()
    assert note.text == "Tell Ada: no refund. Too late."
    assert note.process.id == run.process.id
