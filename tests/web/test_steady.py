"""Pages while the database is going away: told as such, whatever the page was about to say."""

from __future__ import annotations

import itertools
import threading

import pytest
from flask import request_finished
from sqlalchemy import create_engine, event, text

from portal.engine import retries
from portal.models import Process, db


@pytest.fixture
def database_url(postgresql):
    """A connection is lost to a server only."""
    return postgresql


@pytest.fixture
def lose(app, monkeypatch):
    """Have the server end every connection before its statements, from the nth on; the statements so far."""
    monkeypatch.setattr(retries, "WAIT", 0.0)  # it is not back sooner for waiting
    app.config["PROPAGATE_EXCEPTIONS"] = False
    executioner = create_engine(db.engine.url, isolation_level="AUTOCOMMIT")
    seen = []

    def before(connection, _cursor, sql, *_rest):
        seen.append(sql)
        if len(seen) >= before.first:
            pid = connection.connection.driver_connection.info.backend_pid
            with executioner.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    def from_the(first):
        before.first = first
        seen.clear()
        return seen

    from_the(10**9)
    event.listen(db.engine, "before_cursor_execute", before)
    yield from_the
    event.remove(db.engine, "before_cursor_execute", before)
    executioner.dispose()


@pytest.mark.parametrize(
    ("who", "method", "address", "usual"),
    [
        ("bob", "get", "/inbox", 200),
        ("bob", "post", "/tasks/{task}/execute", 409),
        ("dave", "post", "/tasks/{task}/assign", 403),
        ("dave", "get", "/tasks/999", 404),
    ],
)
def test_a_page_that_loses_the_database_says_so(
    client_of, submit, open_task, lose, who, method, address, usual
):
    browser = client_of(who)
    address = address.format(task=open_task(submit()).id)

    def ask():
        db.session.remove()  # as at the end of a request, where no test holds a context open
        return getattr(browser, method)(address)

    for first in itertools.count(1):
        statements = lose(first)
        answer = ask()
        if len(statements) < first:
            break  # all were let pass
        assert answer.status_code == 503, f"before statement {first}"
        assert answer.headers["Retry-After"] == "5"
        assert "try again" in answer.text
    assert (answer.status_code, first > 1) == (usual, True)


def test_a_start_that_is_there_is_not_said_to_be_undone(client_of, people, lose):
    """Between the commit and the answer too: who is told that nothing was changed sends the form again."""
    browser, number = client_of("alice"), 0
    told = set()

    for first in itertools.count(1):
        db.session.remove()
        statements = lose(first)
        answer = browser.post("/flows/paper/start/start", data={"title": "On bees", "pages": 1})
        sent = len(statements)
        db.session.remove()
        lose(10**9)
        there = db.session.query(Process).count() - number
        number += there
        if sent < first:
            break
        assert answer.status_code == (303 if there else 503), f"before statement {first}"
        assert ("nothing was changed" in answer.text) == (not there), f"before statement {first}"
        told.add(there)
    assert (answer.status_code, there, told) == (303, 1, {0, 1})


def test_an_answer_that_is_made_is_given_though_the_database_goes(app, client_of):
    browser, answers = client_of("bob"), []

    def cut(*_, **__):
        pid = db.session.connection().connection.driver_connection.info.backend_pid
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    # In a thread, where no test holds a context open, and the request's ends with it.
    request = threading.Thread(target=lambda: answers.append(browser.get("/inbox").status_code))
    with request_finished.connected_to(cut, app):
        request.start()
        request.join()
    assert answers == [200]
