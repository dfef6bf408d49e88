"""Three people and a few processes, for tests that look at one thing: the demo's company has too much of everything."""

import datetime as dt
from decimal import Decimal

from flows.booking import BookingFlow
from flows.callback import CallbackFlow
from flows.expense_claim import ExpenseClaimFlow
from flows.hello_world import HelloWorldFlow
from flows.incident import IncidentFlow, Severity
from flows.leave_request import LeaveRequestFlow
from flows.onboarding import OnboardingFlow
from flows.purchase_order import PurchaseOrderFlow
from flows.shipment import ShipmentFlow
from portal import views
from portal.demo import DEMO_PASSWORD
from portal.flow.registry import registry
from portal.models import User, create_user, db, find_user

PEOPLE = {"alice": "Alice Employee", "bob": "Bob Manager", "carol": "Carol Admin", "dave": "Dave Deputy"}


def make_few() -> None:
    """alice starts requests, bob may do everything that a permission gives, carol everything, dave checks receipts."""
    starts = {start.permission for flow in registry.values() for start in flow.definition.starts}
    for name, full_name in PEOPLE.items():
        permissions = registry.permissions() if name == "bob" else {each for each in starts if each}
        if name == "dave":
            permissions = {"expense_claim.can_approve"}
        create_user(
            name, DEMO_PASSWORD, permissions=sorted(permissions), is_superuser=name == "carol", full_name=full_name,
            roles=["Managers"] if name == "bob" else (), email=f"{name}@example.com",
        )  # fmt: skip
    alice = find_user(db.session(), "alice")
    assert alice is not None
    _start_some(alice)


def _start_some(alice: User) -> None:
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
