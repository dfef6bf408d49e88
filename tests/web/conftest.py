"""A flow to walk through, and people who are signed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal import act, flow, jsonstore, this, views
from portal.engine import actions
from portal.models import Process, User, db

PASSWORD = "correct horse"


class PaperProcess(Process):
    title = jsonstore.StringField("Title", required=True, max_length=40)
    pages = jsonstore.IntegerField("Pages", default=1)
    accepted = jsonstore.BooleanField("Accepted", default=False)
    secret = jsonstore.StringField("Secret")


class PaperFlow(flow.Flow):
    """Paper review

    Somebody writes, two others look at it."""

    process_class = PaperProcess
    process_summary_template = "Paper {{ process.title }}"
    process_result_template = "{{ 'Accepted' if process.accepted else 'Rejected' }}"

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["title", "pages"]))
        .Annotation(title="Submit")
        .Permission(auto_create=True)
        .Next(this.review)
    )
    review = (
        flow.View(views.UpdateProcessView.as_view(fields=["accepted"]))
        .Permission(auto_create=True)
        .Due(dt.timedelta(days=2))
        .Next(this.check)
    )
    check = flow.If(act.process.accepted).Then(this.sign).Else(this.end)
    sign = flow.ManualTask().Permission(auto_create=True).NotSameAs(this.start).Next(this.end)
    end = flow.End()


@pytest.fixture
def database_url(sqlite: str) -> str:
    """Pages ask no more of a database than their reads do, and those are tested on each."""
    return sqlite


@pytest.fixture
def paper(register: Callable[[Any], Any]) -> Any:
    return register(PaperFlow)


@pytest.fixture
def people(paper: Any) -> dict[str, User]:
    """alice writes, bob reviews, carol manages, dave has nothing to do with it, erin may do everything."""
    made = [
        User(username="alice", permissions=["paper.can_start"], full_name="Alice Author"),
        User(username="bob", permissions=["paper.can_review", "paper.can_sign"]),
        User(username="carol", permissions=["paper.manage"]),
        User(username="dave"),
        User(username="erin", is_superuser=True),
    ]
    for user in made:
        user.set_password(PASSWORD)
    db.session.add_all(made)
    db.session.commit()  # one for all: hundreds of tests ask for them
    return {user.username: user for user in made}


@pytest.fixture
def noon(time_machine: Any) -> None:
    """It is noon, and one day from London to Kolkata, whenever the test runs."""
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    time_machine.move_to(dt.datetime.combine(day, dt.time(12), dt.UTC), tick=False)


@pytest.fixture
def client_of(app: Any, people: dict[str, User]) -> Callable[[str], FlaskClient]:
    """A browser of somebody who is signed in."""

    def sign_in(username: str) -> FlaskClient:
        client: FlaskClient = app.test_client()
        answer = client.post("/login", data={"username": username, "password": PASSWORD})
        assert answer.status_code == 303
        return client

    return sign_in


@pytest.fixture
def alice(client_of: Callable[[str], FlaskClient]) -> FlaskClient:
    return client_of("alice")


@pytest.fixture
def bob(client_of: Callable[[str], FlaskClient]) -> FlaskClient:
    return client_of("bob")


@pytest.fixture
def carol(client_of: Callable[[str], FlaskClient]) -> FlaskClient:
    return client_of("carol")


@pytest.fixture
def dave(client_of: Callable[[str], FlaskClient]) -> FlaskClient:
    return client_of("dave")


@pytest.fixture
def submit(people: dict[str, User]) -> Callable[..., int]:
    """Alice submits a paper; the id of its process."""

    def start(title: str = "On bees", **values: Any) -> int:
        process = views.submit(PaperFlow.start, people["alice"], title=title, **values)
        return process.id

    return start


@pytest.fixture
def open_task(app: Any) -> Callable[..., Any]:
    """The open task of a node in a process."""
    from portal.models import Task

    def find(process_id: int, node: str = "review") -> Any:
        db.session.expire_all()
        query = db.select(Task).where(
            Task.process_id == process_id, Task.flow_task == node, Task.finished.is_(None)
        )
        return db.session.scalars(query).unique().one()

    return find


@pytest.fixture
def take(people: dict[str, User], open_task: Callable[..., Any]) -> Callable[..., int]:
    """Somebody takes the open task of a process; its id."""

    def assign(process_id: int, username: str = "bob", node: str = "review") -> int:
        task_id: int = open_task(process_id, node).id
        with actions.activation(db.session(), task_id, people[username]) as activation:
            activation.assign(people[username])
        return task_id

    return assign


@pytest.fixture
def status_of(app: Any) -> Callable[[int], str]:
    from portal.models import Task

    def read(task_id: int) -> str:
        return db.session.get_one(Task, task_id, populate_existing=True).status

    return read
