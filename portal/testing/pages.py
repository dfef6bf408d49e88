"""The pages of forms as people see them, rendered for a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app, g, url_for

from portal.engine import actions
from portal.flow import Activation
from portal.models import Task, User, db
from portal.web.tasks.detail import respond


def start_page(node: Any, user: User) -> str:
    """The page of a start form, as this person sees it."""
    user_id, label = user.id, node.flow_class.definition.label
    with _request("portal.start.form", user_id, label=label, name=node.name):
        person = db.session.get_one(User, user_id)
        return _text(actions.reading_start(db.session(), node, person))


def task_page(task_id: int, user_id: int) -> str:
    """The page of a task's form, as this person sees it."""
    with _request("portal.tasks.execute", user_id, task_id=task_id):
        task = db.session.get_one(Task, task_id)
        return _text(actions.reading(db.session(), task, db.session.get_one(User, user_id)))


def _text(activation: Activation[Any]) -> str:
    return respond(activation).get_data(as_text=True)


@contextmanager
def _request(endpoint: str, user_id: int, **values: Any) -> Iterator[None]:
    """A GET by a person who is signed in, with a session of its own: it leaves nothing in that of the test."""
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
    with app.test_request_context():
        path = url_for(endpoint, **values)
    with app.app_context(), app.test_request_context(path):
        g.portal_person = person = db.session.get_one(User, user_id)
        if app.extensions["portal_mount"].by_flask_login:
            g._login_user = person  # as Flask-Login keeps who is signed in
        yield
