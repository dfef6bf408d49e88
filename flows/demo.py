"""Some running processes for the demo."""

import datetime as dt
from decimal import Decimal

from sqlalchemy import select

from flows.hello_world import HelloWorldFlow
from flows.leave_request import LeaveRequestFlow
from flows.purchase_order import PurchaseOrderFlow
from portal import views
from portal.models import User, db


def populate() -> None:
    """Start processes as alice, who works here."""
    alice = db.session.scalars(select(User).where(User.username == "alice")).unique().one()
    monday = dt.date.today() + dt.timedelta(days=28 - dt.date.today().weekday())
    for text in ("Hello, world", "The canteen opens at eleven"):
        views.submit(HelloWorldFlow.start, alice, text=text)
    views.submit(LeaveRequestFlow.start, alice, kind="holiday", first_day=monday, last_day=monday + dt.timedelta(days=4))
    for supplier, item, amount in (
        ("Paper & Co", "Printer paper, 20 boxes", "64.90"),
        ("Laptops Ltd", "Laptop for a new colleague", "1450.00"),
        ("Machine Works", "Milling machine", "48000.00"),
    ):
        views.submit(PurchaseOrderFlow.start, alice, supplier=supplier, item=item, amount=Decimal(amount))


