"""What lists are narrowed to: steps, people, states, dates, priorities and fields, on each database."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import on_each_database
import pytest
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, queries, this
from portal.models import Process, Task, db, utcnow


class OfferProcess(Process):
    customer = jsonstore.StringField("Customer")
    amount = jsonstore.DecimalField("Amount")
    urgent = jsonstore.BooleanField("Urgent", default=False)
    day = jsonstore.DateField("Day")
    kind = jsonstore.ChoiceField("Kind", choices=[("n", "Normal"), ("x", "Express delivery")])


class OfferFlow(flow.Flow):
    """Offers"""

    process_class = OfferProcess
    process_summary_template = "{{ process.customer }}"
    start = flow.StartHandle(this.take).Next(this.check)
    check = flow.ManualTask().Permission(auto_create=True).Annotation(title="Check offer").Next(this.send)
    send = flow.ManualTask().Permission(auto_create=True).Annotation(title="Send offer").Next(this.end)
    end = flow.End()

    def take(self, activation, **values):
        for name, value in values.items():
            setattr(activation.process, name, value)
        return activation.process


class CrateProcess(Process):
    __tablename__ = "crate_of_filters"
    weight: Mapped[int]
    goods: Mapped[str] = mapped_column(default="")


class CrateFlow(OfferFlow):
    """Crates"""

    process_class = CrateProcess
    process_summary_template = "Crate"


database_url = on_each_database.database_url


@pytest.fixture
def offers(register, people):
    """Four offers and a crate; the first is bob's, late and of high priority."""
    register(OfferFlow)
    register(CrateFlow)
    people["bob"].permissions.extend(["offer.can_check", "offer.can_send", "crate.can_check"])
    db.session.commit()
    values = [
        {
            "customer": "Äpfel AG",
            "amount": Decimal("4120.00"),
            "urgent": True,
            "day": dt.date(2026, 11, 20),
            "kind": "x",
        },
        {"customer": "Bauer", "amount": Decimal("980"), "day": dt.date(2026, 12, 1), "kind": "n"},
        {"customer": "Cäsar 100%", "amount": Decimal("12000.50")},
        {"customer": "Dora"},
    ]
    ids = [OfferFlow.start.run(_user=people["alice"], **each).id for each in values]
    CrateFlow.start.run(weight=40, goods="Glass")
    first = task_of(ids[0])
    first.due, first.priority = utcnow() - dt.timedelta(days=1), 2
    task_of(ids[1]).due = utcnow() + dt.timedelta(days=40)
    db.session.commit()
    return ids


def task_of(process_id):
    return (
        db.session.scalars(db.select(Task).where(Task.process_id == process_id, Task.finished.is_(None)))
        .unique()
        .one()
    )


def shown(client, address):
    page = client.get(address)
    assert page.status_code == 200, address
    return {
        name
        for name in ("Äpfel AG", "Bauer", "Cäsar 100%", "Dora", "Crate")
        if f'summary">{name}<' in page.text
    }


ALL = {"Äpfel AG", "Bauer", "Cäsar 100%", "Dora"}


NARROWED = [
    ("", ALL | {"Crate"}),
    ("flow=offer", ALL),
    ("flow=offer&step=check", ALL),
    ("flow=offer&step=send", set()),
    ("person=alice", ALL),
    ("person=ALICE", ALL),
    ("person=nobody", set()),
    ("due=late", {"Äpfel AG"}),
    ("due=today", {"Äpfel AG"}),
    ("due=none", {"Cäsar 100%", "Dora", "Crate"}),
    ("priority=high", {"Äpfel AG"}),
    ("priority=2", {"Äpfel AG"}),
    ("priority=normal&flow=offer", {"Bauer", "Cäsar 100%", "Dora"}),
    ("since=2020-01-01&flow=offer", ALL),
    ("until=2020-01-01", set()),
    ("state=new&flow=offer", ALL),
    ("flow=offer&data.amount.gt=1000", {"Äpfel AG", "Cäsar 100%"}),
    ("flow=offer&data.amount.le=980", {"Bauer"}),
    ("flow=offer&data.amount=4120", {"Äpfel AG"}),
    ("flow=offer&data.amount.ne=4120", {"Bauer", "Cäsar 100%", "Dora"}),
    ("flow=offer&data.amount.gt=1000&data.amount.lt=5'000", {"Äpfel AG"}),
    ("flow=offer&data.customer.contains=äPFEL", {"Äpfel AG"}),
    ("flow=offer&data.customer.contains=100%25", {"Cäsar 100%"}),
    ("flow=offer&data.customer.eq=Bauer", {"Bauer"}),
    ("flow=offer&data.urgent=yes", {"Äpfel AG"}),
    ("flow=offer&data.urgent=false", {"Bauer", "Cäsar 100%", "Dora"}),
    ("flow=offer&data.day.ge=2026-12-01", {"Bauer"}),
    ("flow=offer&data.kind=x", {"Äpfel AG"}),
    ("flow=offer&data.kind=express delivery", {"Äpfel AG"}),
    ("flow=offer&data.kind.contains=express", {"Äpfel AG"}),
    ("flow=crate&data.weight.gt=39", {"Crate"}),
    ("flow=crate&data.weight.gt=40", set()),
    ("flow=crate&data.goods.contains=GLA", {"Crate"}),
    ("q=apfel", set()),
    ("q=ÄPFEL ag", {"Äpfel AG"}),
    ("q=express", {"Äpfel AG"}),
    ("q=alice", ALL),
    ("q=check alice bauer", {"Bauer"}),
    ("q=glass", {"Crate"}),
    ("q=customer", set()),
]  # fmt: skip


def test_a_list_is_narrowed(bob, offers):
    assert [(query, shown(bob, f"/queue?{query}")) for query, _ in NARROWED] == NARROWED


WRONG = [
    "due=someday", "since=yesterday", "until=2026-13-01", "priority=much", "state=ill", "data.amount.gt=1000",
    "flow=offer&data.amount.gt=many", "flow=offer&data.amount.gt=NaN", "flow=offer&data.amount.gt=1e999999",
    "flow=offer&data.urgent=perhaps", "flow=offer&data.urgent.lt=1", "flow=offer&data.day=tomorrow",
    "flow=offer&data.amount.contains=1", "flow=offer&data.nothing=1", "flow=nothing&data.amount=1",
    "flow=crate&data.weight=heavy",
]  # fmt: skip


@pytest.mark.parametrize("address", ["/queue", "/processes", "/tasks"])
def test_what_cannot_be_understood_is_a_line_on_the_page(client_of, offers, address):
    erin = client_of("erin")
    for wrong in WRONG:
        page = erin.get(f"{address}?{wrong}")
        assert page.status_code == 200, wrong
        assert re.search(r'role="alert">.*left out', page.text, re.DOTALL), wrong


def test_a_filter_on_a_field_adds_its_column_and_a_chip_that_takes_it_away(bob, offers):
    page = bob.get("/queue?flow=offer&data.amount.gt=1000").text
    assert 'class="extra number">Amount</th>' in page
    assert ">4,120.00</td>" in page
    assert (
        'href="/queue?flow=offer"><span class="visually-hidden">Remove filter</span> Amount &gt; 1000' in page
    )
    answer = bob.get("/queue?flow=offer&field=amount&op=gt&value=1000")
    assert (answer.status_code, answer.location) == (303, "/queue?flow=offer&data.amount.gt=1000")


def test_counts_are_shown_where_a_list_is_narrowed(bob, offers):
    assert "2 of 5 tasks" in bob.get("/queue?flow=offer&data.amount.gt=1000").text
    assert " of 5 tasks" not in bob.get("/queue").text


def test_all_tasks_are_those_that_one_may_see(client_of, offers, people, take):
    assert shown(client_of("erin"), "/tasks") == ALL | {"Crate"}
    assert shown(client_of("alice"), "/tasks") == ALL, "who has started them sees them"
    assert shown(client_of("bob"), "/tasks") == ALL | {"Crate"}, "who may take them does too"
    assert shown(client_of("dave"), "/tasks") == set()
    take(offers[0], "bob", "check")
    assert shown(client_of("erin"), "/tasks?person=bob") == {"Äpfel AG"}
    assert shown(client_of("erin"), "/tasks?state=assigned") == {"Äpfel AG"}


def test_processes_are_found_by_their_tasks(client_of, offers, take):
    erin = client_of("erin")
    take(offers[1], "bob", "check")
    assert shown(erin, "/processes?person=bob") == {"Bauer"}
    assert shown(erin, "/processes?person=alice") == ALL
    assert shown(erin, "/processes?flow=offer&step=check") == ALL
    assert shown(erin, "/processes?due=late") == {"Äpfel AG"}
    assert shown(erin, "/processes?flow=offer&data.amount.gt=1000") == {"Äpfel AG", "Cäsar 100%"}


def test_what_an_action_is_done_with_are_the_rows_of_all_pages(bob, offers, people):
    filters = queries.Filters(flow="offer", data=(queries.DataFilter("amount", "gt", "1000"),))
    ids, faults = queries.matching(db.session(), people["bob"], "queue", filters, 100)
    assert (ids, faults) == ([task_of(offers[0]).id, task_of(offers[2]).id], [])
    wrong = queries.Filters(flow="offer", data=(queries.DataFilter("amount", "gt", "x"),))
    assert queries.matching(db.session(), people["bob"], "queue", wrong, 100)[1]


@pytest.mark.parametrize(
    "query", ["flow=offer&data.amount.gt=1", "q=offer", "q=alice", "due=late&priority=high"]
)
@pytest.mark.parametrize("address", ["/queue", "/tasks", "/processes"])
def test_narrowed_lists_keep_to_few_statements(client_of, offers, count, address, query):
    erin = client_of("erin")
    erin.get(f"{address}?{query}")
    with count() as statements:
        assert erin.get(f"{address}?{query}").status_code == 200
    assert len(statements) <= 6, str(statements)
