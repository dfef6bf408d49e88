"""The script of the web order."""

from decimal import Decimal

import pytest

from flows.web_order import Article, WebOrderFlow
from portal.errors import TransitionNotAllowed
from portal.models import db

ORDERED = ["start", "terms", "delivery", "meanwhile"]


@pytest.fixture
def order(flow_tester):
    def start(in_stock=5, pieces=2):
        run = flow_tester(WebOrderFlow)
        mug = db.session.query(Article).one_or_none() or Article(name="Mug")
        mug.in_stock = in_stock
        db.session.add(mug)
        db.session.commit()
        run.start("start", customer="carol@example.org", article=mug, pieces=pieces)
        return run

    return start


def test_a_paid_order_is_packed_and_sent(order):
    run = order()
    run.handle("payment", amount=Decimal("18.00"))
    assert db.session.query(Article).one().in_stock == 3
    run.handle("packed", number="99.1")

    assert run.process.status == "DONE"
    assert (run.process.paid, run.process.parcel) == (Decimal("18.00"), "99.1")
    assert run.path == [*ORDERED, "payment", "money", "goods", "commit", "order_parcel", "packed", "sent"]
    assert run.tasks("patience")[0].status == run.tasks("withdrawal")[0].status == "CANCELED"


def test_an_order_waits_for_goods(order):
    run = order(in_stock=1)
    run.handle("payment", amount=Decimal("18.00"))
    assert run.task("goods").status == "STARTED"

    db.session.query(Article).one().in_stock = 10
    db.session.commit()
    run.advance(minutes=10)
    assert run.task("packed").status == "STARTED"


def test_a_customer_withdraws_until_the_parcel_is_ordered(order):
    run = order(in_stock=1)
    run.handle("payment", amount=Decimal("18.00"))
    run.handle("withdrawal")
    assert run.process.status == "DONE"
    assert run.tasks("goods")[0].status == "CANCELED"

    run = order()
    run.handle("payment", amount=Decimal("18.00"))
    with pytest.raises(TransitionNotAllowed):
        run.handle("withdrawal")


def test_an_order_that_nobody_pays_fails_and_known_customers_have_more_time(order):
    known = order()
    known.handle("payment", amount=Decimal("18.00"))
    known.handle("packed", number="99.1")
    run = order()
    assert run.process.days_to_pay == 30
    run.advance(days=29)
    assert run.process.status == "NEW"
    run.advance(days=2)

    assert run.process.status == "FAILED"
    assert run.process.data["_error"] == "unpaid"
