"""A flow with a field of every kind, people with tokens, and a program that calls."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import pytest

from portal import act, flow, jsonstore, this, views
from portal.models import Process, User, db, issue
from portal.web.writing import writing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Line:
    what = jsonstore.StringField("What", required=True)
    price = jsonstore.DecimalField("Price", min_value=0)
    paid = jsonstore.BooleanField("Paid")


class OrderProcess(Process):
    title = jsonstore.StringField("Title", required=True, max_length=40)
    note = jsonstore.TextField("Note")
    count = jsonstore.IntegerField("Count", min_value=1, max_value=99, default=1)
    amount = jsonstore.DecimalField("Amount", max_digits=8, decimal_places=2)
    weight = jsonstore.FloatField("Weight")
    urgent = jsonstore.BooleanField("Urgent")
    size = jsonstore.ChoiceField("Size", choices=Size)
    day = jsonstore.DateField("Day")
    moment = jsonstore.DateTimeField("Moment")
    clock = jsonstore.TimeField("Clock")
    span = jsonstore.DurationField("Span")
    key = jsonstore.UUIDField("Key")
    mail = jsonstore.EmailField("Mail")
    link = jsonstore.URLField("Link")
    more = jsonstore.JSONField("More")
    scan = jsonstore.BinaryField("Scan")
    place = jsonstore.EmbeddedField(Line, "Place")
    lines = jsonstore.EmbeddedListField(Line, "Lines")
    approved = jsonstore.BooleanField("Approved", labels=("Approve", "Decline"))
    remark = jsonstore.StringField("Remark")
    paid = jsonstore.IntegerField("Paid")


FIELDS = [
    "title", "note", "count", "amount", "weight", "urgent", "size", "day", "moment", "clock", "span", "key", "mail",
    "link", "more", "scan", "place", "lines",
]  # fmt: skip


class OrderFlow(flow.Flow):
    """Order

    Something is ordered, approved and paid."""

    process_class = OrderProcess
    process_summary_template = "Order {{ process.title }}"
    webhook_secret = (SECRET, "an older one")
    withdraw = True

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=FIELDS))
        .Annotation(title="Order something")
        .Permission(auto_create=True)
        .Next(this.approve)
    )
    begin = flow.StartHandle(this.take_order).Next(this.approve)
    approve = (
        flow.View(
            views.UpdateProcessView.as_view(
                fields=["note", "remark"], decide="approved", require={False: ["remark"]}
            )
        )
        .Permission(auto_create=True)
        .OnMessage("recall", this.recalled)
        .OnSignal("holidays", this.recalled)
        .Next(this.check)
    )
    check = flow.If(act.process.approved).Then(this.pay).Else(this.end)
    pay = flow.Handle(this.take_payment).Next(this.confirm)
    confirm = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    recalled = flow.Function(this.note_recall).Next(this.end)
    end = flow.End()

    def take_order(self, activation, title, count=1):
        activation.process.title, activation.process.count = title, count

    def take_payment(self, activation, paid):
        if paid < 0:
            raise ValueError("Nobody pays less than nothing.")
        activation.process.paid = paid

    def note_recall(self, activation):
        activation.process.note = "recalled"


@pytest.fixture
def order(register: Callable[[Any], Any]) -> Any:
    return register(OrderFlow)


@pytest.fixture
def people(order: Any, make_user: Callable[..., User]) -> dict[str, User]:
    """alice orders, bob approves, carol manages, dave has nothing to do with it, erin may do everything."""
    return {
        "alice": make_user("alice", "order.can_start", full_name="Alice Author"),
        "bob": make_user("bob", "order.can_approve", "order.can_confirm"),
        "carol": make_user("carol", "order.manage"),
        "dave": make_user("dave"),
        "erin": make_user("erin", is_superuser=True),
    }


class Program:
    """Calls as somebody, with a token."""

    def __init__(self, app: Any, secret: str | None) -> None:
        self._client = app.test_client()
        self.headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.open(
            f"/api/v1{path}", method=method, json=body, headers={**self.headers, **sent}, buffered=True
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, {} if body is None else body, **headers)


@pytest.fixture
def token_of(people: dict[str, User]) -> Callable[..., str]:
    """A token of somebody."""

    def make(username: str, *scopes: str, days: int = 30) -> str:
        wanted = scopes or ("read", "start", "work", "manage", "admin")
        with writing() as session:
            _, secret = issue(session, people[username], "test", wanted, days)
        return secret

    return make


@pytest.fixture
def program(app: Any, token_of: Callable[..., str]) -> Callable[..., Program]:
    """A program that calls as somebody; `None` has no token."""

    def make(username: str | None, *scopes: str) -> Program:
        return Program(app, None if username is None else token_of(username, *scopes))

    return make


@pytest.fixture
def started(program: Callable[..., Program]) -> Callable[..., int]:
    """Alice orders something; the id of the process."""

    def start(title: str = "Bees", **data: Any) -> int:
        answer = program("alice").post("/flows/order/starts/start", {"data": {"title": title, **data}})
        assert answer.status_code == 201, answer.text
        return int(answer.json["id"])

    return start


@pytest.fixture
def open_task(people: Any) -> Callable[..., int]:
    """The id of the open task of a node in a process."""
    from portal.models import Task

    def find(process_id: int, node: str = "approve") -> int:
        db.session.rollback()
        query = db.select(Task.id).where(
            Task.process_id == process_id, Task.flow_task == node, Task.finished.is_(None)
        )
        return int(db.session.scalars(query).one())

    return find
