"""Real receivers on loopback, and each database."""

from __future__ import annotations

import threading
from contextvars import copy_context

import pytest
from bills import BillFlow
from sinks import http_sink, smtp_sink

from portal.engine import actions
from portal.models import Outgoing, User, db

SECRET = "a secret of the tests"


@pytest.fixture(scope="session")
def smtp():
    server = smtp_sink()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def http():
    server = http_sink()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _settings(database_url, smtp, http, monkeypatch):
    smtp.reset()
    http.reset()
    settings = {
        "TEST_DATABASE_URL": database_url,
        "FLOWS": ",",
        "BASE_URL": "https://portal.example",
        "MAIL_BACKEND": "smtp",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(smtp.port),
        "WEBHOOK_SECRET": SECRET,
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"PORTAL_{name}", value)


@pytest.fixture
def hooked(http, monkeypatch):
    """A web hook for every flow; its address."""
    url = f"http://127.0.0.1:{http.port}/hook?token=sesame"
    monkeypatch.setenv("PORTAL_WEBHOOKS", url)
    return url


@pytest.fixture
def app(_settings, flow_tester):
    return flow_tester.app


@pytest.fixture
def people(flow_tester, make_user):
    """alice starts, bob and dave check, carol manages, erin may do everything; all of them have an address."""
    flow_tester(BillFlow)
    permissions = {
        "alice": [],
        "bob": ["bill.can_check"],
        "dave": ["bill.can_check"],
        "carol": ["bill.manage"],
    }
    made = {name: make_user(name, *held, email=f"{name}@example.com") for name, held in permissions.items()}
    made["erin"] = make_user("erin", is_superuser=True, email="erin@example.com")
    return {name: user.id for name, user in made.items()}


@pytest.fixture
def bill(flow_tester, people):
    """Alice hands a bill in."""

    def start(text="Paper"):
        run = flow_tester(BillFlow)
        run.start(user="alice", text=text)
        return run

    return start


@pytest.fixture
def act(session, people):
    """`act(task, "assign", "carol", to="bob")`"""

    def do(task, action, by, to=None):
        with actions.activation(session, task.id, by and people[by]) as activation:
            getattr(activation, action)(*([people[to]] if to else []))

    return do


@pytest.fixture
def rows(session):
    """What is in the outbox, oldest first, as (kind, event, receiver)."""

    def read():
        session.rollback()
        found = session.scalars(
            db.select(Outgoing).order_by(Outgoing.id).execution_options(populate_existing=True)
        )
        return [
            (row.kind, row.event, session.get_one(User, row.user_id).username if row.user_id else "hook")
            for row in found
        ]

    return read


@pytest.fixture
def sender(app):
    return app.extensions["portal_sender"]


@pytest.fixture
def scheduler(app):
    return app.extensions["portal_scheduler"]


@pytest.fixture
def send(sender):
    """Turn the sender until it has nothing left that is due."""

    def turn():
        while sender.turn():
            pass

    return turn


@pytest.fixture
def at_once_workers(app):
    """`at_once_workers(call, 4)`: call something with a session, in so many threads at one moment."""

    def run(call, number):
        barrier = threading.Barrier(number)

        def work():
            with app.app_context():
                barrier.wait(300)
                call(db.session())

        threads = [threading.Thread(target=copy_context().run, args=(work,)) for _ in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)

    return run
