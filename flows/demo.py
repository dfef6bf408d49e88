"""Some running processes for the demo."""

import datetime as dt
from decimal import Decimal

from sqlalchemy import select

from portal import views
from portal.models import User, db

from .booking import BookingFlow
from .callback import CallbackFlow
from .expense_claim import ExpenseClaimFlow
from .hello_world import HelloWorldFlow
from .incident import IncidentFlow, Severity
from .leave_request import LeaveRequestFlow
from .onboarding import OnboardingFlow
from .purchase_order import PurchaseOrderFlow
from .shipment import ShipmentFlow


def populate() -> None:
    """Start processes as alice, who works here."""
    alice = db.session.scalars(select(User).where(User.username == "alice")).unique().one()
    today = dt.date.today()
    monday = today + dt.timedelta(days=28 - today.weekday())
    friday = monday + dt.timedelta(days=4)
    for text in ("Hello, world", "The canteen opens at eleven"):
        views.submit(HelloWorldFlow.start, alice, text=text)
    views.submit(LeaveRequestFlow.start, alice, kind="holiday", first_day=monday, last_day=friday)
    _buy(alice)
    _claim(alice, today)
    _work(alice, monday)


def _buy(user: User) -> None:
    for supplier, item, amount in (
        ("Paper & Co", "Printer paper, 20 boxes", "64.90"),
        ("Laptops Ltd", "Laptop for a new colleague", "1450.00"),
        ("Machine Works", "Milling machine", "48000.00"),
    ):
        views.submit(PurchaseOrderFlow.start, user, supplier=supplier, item=item, amount=Decimal(amount))


def _claim(user: User, today: dt.date) -> None:
    """One claim that can be paid, and one that the bank will refuse."""
    yesterday = today - dt.timedelta(days=1)
    train = {"day": yesterday, "what": "Train to Bern and back", "amount": Decimal("102.00")}
    lunch = {"day": yesterday, "what": "Lunch with the customer", "amount": Decimal("64.50")}
    book = {"day": today, "what": "Book on queues", "amount": Decimal("39.90")}
    for purpose, iban, receipts in (
        ("Visit to a customer in Bern", "CH93 0076 2011 6238 5295 7", [train, lunch]),
        ("Reading for the team", "CH93 0076 2011 6238 5295 8", [book]),
    ):
        views.submit(ExpenseClaimFlow.start, user, purpose=purpose, iban=iban, receipts=receipts)


def _work(user: User, monday: dt.date) -> None:
    views.submit(OnboardingFlow.start, user, employee="Dora Diaz", job="Engineer", first_day=monday)
    for service, severity, report in (
        ("Mail", Severity.CRITICAL, "No mail has come in since nine o'clock"),
        ("Printer on floor 2", Severity.MINOR, "It prints everything in green"),
    ):
        views.submit(IncidentFlow.start, user, service=service, severity=severity, report=report)
    views.submit(CallbackFlow.start, user, customer="Baker & Sons", phone="+41 31 300 00 00")
    for number, destination, worth in (("B-1017", "Chur", "780.00"), ("B-1018", "Genoa", "12400.00")):
        values = {"order_number": number, "destination": destination, "worth": Decimal(worth)}
        views.submit(ShipmentFlow.start, user, **values)
    for city, limit in (("lisbon", "1000.00"), ("oslo", "500.00")):
        values = {"city": city, "first_night": monday, "nights": 3, "card_limit": Decimal(limit)}
        views.submit(BookingFlow.start, user, **values)
