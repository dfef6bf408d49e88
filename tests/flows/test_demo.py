"""The demo is a company of thirty people that has worked for ninety days, in every state that a process can be in."""

import datetime as dt
from collections import Counter

import pytest
from sqlalchemy import func, select

from portal import create_app, queries
from portal.demo import make_demo
from portal.engine.queue import due
from portal.engine.transaction import clock
from portal.models import Absence, Comment, Event, Helper, Process, StoredFile, Task, User, db, init_db

#: a moment just after which much of it would come due
NOW = dt.datetime(2026, 11, 24, 9, 32, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """It is played once: that takes seconds."""
    storage = str(tmp_path_factory.mktemp("files"))
    app = create_app(
        {
            "DATABASE_URL": "sqlite://",
            "FLOWS": ["flows"],
            "TESTING": True,
            "SCHEDULER": "off",
            "STORAGE": storage,
        }
    )
    with app.app_context():
        init_db()
        make_demo(NOW)
        yield app
        db.session.remove()


def count(model, *criteria):
    return db.session.scalar(select(func.count()).select_from(model).where(*criteria))


def test_the_demo_has_every_flow_and_every_state(company):
    assert count(User) == 30
    assert count(Process) > 350
    labels = set(db.session.scalars(select(Process.flow_label)))
    assert labels == set(company.extensions["portal_flows"])
    assert {"NEW", "DONE", "CANCELED", "SUSPENDED"} <= set(db.session.scalars(select(Process.status)))
    assert count(Task, Task.finished.is_(None), Task.due < NOW)
    assert count(Task, Task.finished.is_(None), Task.snoozed_until > NOW)
    assert count(Event, Event.action == "withdraw")
    assert count(Comment)
    assert count(StoredFile, StoredFile.process_id.is_not(None))
    assert count(Absence) == 3
    assert count(Task, Task.status == "DONE", Task.acting_for_id.is_not(None))
    assert count(Helper)
    rules = {(detail or {}).get("rule", "") for detail in db.session.scalars(select(Event.detail))}
    assert {word for rule in rules for word in rule.split(" ")[:2]} >= {
        "round", "shortest", "familiar", "case", "capability", "manager",
    }  # fmt: skip
    running = db.session.scalars(select(Process).where(Process.finished.is_(None))).unique().all()
    kinds = Counter(each.kind for each in queries.attention(db.session(), running).values())
    assert kinds.keys() == {"failed", "left", "stuck"}


def test_nothing_of_it_lies_ahead_or_was_told_twice(company):
    for moment in (Process.created, Task.created, Task.finished, Event.created, Comment.created):
        assert db.session.scalar(select(func.max(moment))) <= NOW
        assert db.session.scalar(select(func.min(moment))) > NOW - dt.timedelta(days=91)
    assert make_demo()[0].startswith("There are people already")


def test_nothing_of_it_comes_due_while_somebody_begins_to_look(company):
    """Else the first mail that they see is of tasks that they have never heard of."""
    token = clock.set(lambda: NOW)
    try:
        moments = due.first_moments(db.session())
    finally:
        clock.reset(token)
    assert {"timers", "schedules", "reminders"} <= moments.keys()
    soon = {
        name: str(moment - NOW) for name, moment in moments.items() if moment < NOW + dt.timedelta(minutes=15)
    }
    assert soon == {}
