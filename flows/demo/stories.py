"""What the people of the company ask for, in sums and words that one believes."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any

from portal.demo import Story
from portal.models import db

from ..booking import BookingFlow
from ..callback import CallbackFlow
from ..expense_claim import ExpenseClaimFlow
from ..hello_world import HelloWorldFlow
from ..incident import IncidentFlow, Severity
from ..leave_request import LeaveRequestFlow
from ..onboarding import OnboardingFlow
from ..purchase_order import PurchaseOrderFlow
from ..shipment import ShipmentFlow
from ..stocktaking import StocktakingFlow
from ..web_order import Article, WebOrderFlow
from . import words

Values = Mapping[str, Any]


def stock_shelves() -> None:
    for name in words.ARTICLES:
        db.session.add(Article(name=name, in_stock=500))


def _decided(field: str, share: float, why: tuple[str, ...], praise: tuple[str, ...] = ("",)) -> Any:
    """A decision, with a remark where it is a no."""

    def decide(die: Random, _process: Any) -> Values:
        good = die.random() < share
        return {field: good, "remark": die.choice(praise if good else why)}

    return decide


def _checked(field: str, share: float) -> Any:
    def check(die: Random, _process: Any) -> Values:
        return {field: die.random() < share}

    return check


def _money(die: Random, low: float, high: float) -> Decimal:
    return (Decimal(die.uniform(low, high)) * 20).quantize(Decimal(1)) / Decimal(20)  # to 5 centimes


def _leave(die: Random, day: dt.date) -> Values:
    first = day + dt.timedelta(days=die.randrange(10, 90))
    first -= dt.timedelta(days=first.weekday()) if die.random() < 0.6 else dt.timedelta()
    while first.weekday() > 4:
        first += dt.timedelta(days=1)
    length = die.choice((0, 0, 1, 2, 4, 4, 4, 11))
    last = first + dt.timedelta(days=length)
    while last.weekday() > 4:
        last -= dt.timedelta(days=1)
    return {
        "kind": "unpaid" if die.random() < 0.05 else "holiday",
        "first_day": first,
        "last_day": max(first, last),
        "cover": die.choice(words.COVERS),
        "reason": die.choice(words.REASONS),
    }


def _claim(die: Random, day: dt.date) -> Values:
    purpose, lines = die.choice(words.EXPENSES)
    receipts = [
        {"day": day - dt.timedelta(days=die.randrange(1, 9)), "what": what, "amount": _money(die, low, high)}
        for what, low, high in lines
    ]
    iban = words.BAD_IBAN if die.random() < 0.06 else die.choice(words.IBANS)
    return {"purpose": purpose, "iban": iban, "receipts": receipts}


def _purchase(die: Random, _day: dt.date) -> Values:
    supplier, item, low, high = die.choice(words.PURCHASES)
    return {"supplier": supplier, "item": item, "amount": _money(die, low, high)}


def _incident(die: Random, _day: dt.date) -> Values:
    service, severity, report, _cause, _lesson = die.choice(words.INCIDENTS)
    return {"service": service, "severity": Severity(severity), "report": report}


def _cause(_die: Random, process: Any) -> Values:
    return {"cause": next(each[3] for each in words.INCIDENTS if each[0] == process.service)}


def _lesson(_die: Random, process: Any) -> Values:
    return {"lesson": next(each[4] for each in words.INCIDENTS if each[0] == process.service)}


def _shipment(die: Random, day: dt.date) -> Values:
    number = f"B-{day.toordinal() % 1000:03}{die.randrange(10, 99)}"
    return {"order_number": number, "destination": die.choice(words.TOWNS), "worth": _money(die, 120, 14_000)}


def _carrier(die: Random, process: Any) -> Values:
    return {"carrier": "special" if process.worth > 9000 else "post", "insured": process.worth > 500}


def _order(die: Random, _day: dt.date) -> Values:
    names = db.session.scalars(db.select(Article).order_by(Article.id)).all()
    return {
        "customer": die.choice(words.CUSTOMERS)[2],
        "article": die.choice(names),
        "pieces": die.randrange(1, 6),
    }


def _booking(die: Random, day: dt.date) -> Values:
    limit = Decimal(die.choice(("1500.00", "1200.00", "1000.00", "450.00")))
    first = day + dt.timedelta(days=die.randrange(12, 60))
    return {
        "city": die.choice(("lisbon", "oslo", "vienna")),
        "first_night": first,
        "nights": die.randrange(1, 5),
        "card_limit": limit,
    }


def _newcomer(die: Random, day: dt.date) -> Values:
    name, job = die.choice(words.NEWCOMERS)
    first = day + dt.timedelta(days=die.randrange(20, 45))
    return {"employee": name, "job": job, "first_day": first - dt.timedelta(days=first.weekday())}


def _customer(die: Random, _day: dt.date) -> Values:
    name, phone, _mail = die.choice(words.CUSTOMERS)
    return {"customer": name, "phone": phone}


def _usual_checklist(_die: Random, process: Any) -> Values:
    return {"checklist": list(process.checklist)}


STORIES = [
    Story(
        LeaveRequestFlow.start, 88, _leave, hours=7, remarks=words.LEAVE_REMARKS,
        answers={
            "approve": _decided("approved", 0.9, words.LEAVE_REFUSALS, ("", "", "Enjoy it.")),
            "approve_late": _decided("approved", 0.85, words.LEAVE_REFUSALS),
        },
    ),
    Story(
        ExpenseClaimFlow.start, 78, _claim, hours=8, remarks=words.CLAIM_REMARKS, papers=words.RECEIPTS,
        answers={
            "approve": _decided("approved", 0.92, words.CLAIM_REFUSALS, ("", "", "Complete, thank you.")),
            "countersign": _decided("countersigned", 0.96, words.CLAIM_REFUSALS),
            "mend": lambda die, _process: {"iban": die.choice(words.IBANS)},
        },
    ),
    Story(
        PurchaseOrderFlow.start, 74, _purchase, hours=9, remarks=words.PURCHASE_REMARKS, papers=words.QUOTES,
        answers={
            "approve": _decided("approved", 0.88, words.PURCHASE_REFUSALS),
            "approve_large": _decided("approved", 0.7, words.PURCHASE_REFUSALS),
            "check_budget": _checked("budget_ok", 0.94),
            "check_supplier": _checked("supplier_ok", 0.96),
        },
    ),
    Story(
        IncidentFlow.start, 20, _incident, hours=2, remarks=words.INCIDENT_REMARKS,
        answers={
            "take_up": lambda _die, process: {"severity": process.severity},
            "mend": _cause,
            "review": _lesson,
        },
    ),
    Story(
        ShipmentFlow.start, 16, _shipment, role="Sales", hours=4,
        answers={
            "choose_carrier": _carrier,
            "insure": lambda die, _process: {"policy": f"HV-{die.randrange(100_000, 999_999)}"},
            "label_parcels": lambda die, _process: {"label_number": f"99.{die.randrange(10**7, 10**8)}"},
            "get_quotes": lambda die, process: {"quote": f"Alptrans, {_money(die, 180, 900)}"},
            "pack": lambda die, _process: {"parcels": die.randrange(1, 7)},
        },
    ),
    Story(
        HelloWorldFlow.start, 40, lambda die, _day: {"text": die.choice(words.NEWS)}, hours=5,
        answers={"approve": _checked("approved", 0.9)},
    ),
    Story(BookingFlow.start, 14, _booking, hours=3, answers={"confirm": _checked("agreed", 0.85)}),
    Story(CallbackFlow.start, 16, _customer, role="Sales", hours=3),
    Story(
        OnboardingFlow.start, 6, _newcomer, role="People office", hours=10,
        answers={
            "plan": _usual_checklist,
            "prepare": lambda die, _process: {"remark": die.choice(words.READY)},
        },
    ),
    Story(
        WebOrderFlow.start, 18, _order,
        answers={
            "payment": lambda die, process: {"amount": Decimal(29) * process.pieces},
            "packed": lambda die, _process: {"number": f"99.{die.randrange(10**7, 10**8)}"},
        },
    ),
    Story(
        StocktakingFlow.first_day, 0, lambda _die, _day: {}, hours=12,
        answers={
            "count": lambda die, _process: {"missing": die.choice(words.MISSING)},
            "book": lambda die, _process: {"entry": f"L-{die.randrange(10**4, 10**5)}"},
        },
    ),
]  # fmt: skip
