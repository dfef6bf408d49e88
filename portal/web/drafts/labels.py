"""What was typed into a form, label by label."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import wtforms
from werkzeug.datastructures import MultiDict

from portal.engine import actions
from portal.flow import registry
from portal.language import gettext
from portal.models import Task, db

from ..accounts.person import is_signed_in, person
from ..forms.embedded import FieldList, FormField

_SECRET = re.compile("passw|passphrase|passcode", re.IGNORECASE)
_START = re.compile(r"/flows/([^/]+)/start/([^/]+)")


def is_secret(name: str) -> bool:
    """Whether an input is called like one for a password, which is never kept."""
    return _SECRET.search(name) is not None


def secrets_of(path: str, task_id: int | None, typed: list[list[str]]) -> set[str]:
    """The names of a form's password inputs."""
    fields = _fields_of(path, task_id, typed)
    return {name for name, (_, field) in fields.items() if isinstance(field, wtforms.PasswordField)}


def in_words(path: str, task_id: int | None, typed: list[list[str]], seen: bool) -> list[tuple[str, str]]:
    """Labels and texts of what was typed and is not empty.

    Args:
        seen: the person may see the form; without it what they sent is all that is told.
    """
    fields = _fields_of(path, task_id, typed) if seen else {}
    found = []
    for name, text in typed:
        if fields and name not in fields:
            continue
        if not text or (not fields and (name.startswith("_") or name.endswith("-rows"))):
            continue
        label, field = fields.get(name, (re.sub(r"[_-]+", " ", name).capitalize(), None))
        if not isinstance(field, wtforms.PasswordField):
            found.append((label, _choice(field, text)))
    return found


def may_start(path: str) -> bool:
    """Whether this person may see a start form: nobody else is told what there is to choose from."""
    try:
        return bool(is_signed_in() and _start(path).available(person()))
    except Exception:  # there is no such form, or its rule for who may start raises
        return False


def _choice(field: Any, text: str) -> str:
    """A text as people read it: of a choice its label."""
    if isinstance(field, wtforms.BooleanField):
        return gettext("Yes")
    if isinstance(field, wtforms.SelectFieldBase):
        try:
            return next((str(each[1]) for each in field.iter_choices() if str(each[0]) == text), text)
        except Exception:  # choices that cannot be read now
            return text
    return text


def _fields_of(path: str, task_id: int | None, typed: list[list[str]]) -> dict[str, tuple[str, Any]]:
    """The inputs of a form by name, with their labels; none where no form can be made."""
    try:
        view, activation = _view(path, task_id)
        form = view.form(activation, MultiDict([(name, text) for name, text in typed]))
        return dict(_walk(form))
    except Exception:  # a lost node, a form written by hand, one whose author's code raises, no database
        return {}


def _view(path: str, task_id: int | None) -> Any:
    if task_id is not None:
        task = db.session.get_one(Task, task_id)
        return task.node.view, actions.reading(db.session(), task, None)  # type: ignore[union-attr]
    node = _start(path)
    return node.view, actions.reading_start(db.session(), node, None)


def _start(path: str) -> Any:
    label, name = _START.fullmatch(path).groups()  # type: ignore[union-attr]
    return registry[label].definition.nodes[name]


def _walk(form: Any, prefix: str = "") -> Iterator[tuple[str, tuple[str, Any]]]:
    for field in form:
        label = f"{prefix}{field.label.text}"
        if isinstance(field, FormField):
            yield from _walk(field.form, f"{label}: ")
        elif isinstance(field, FieldList):
            for entry in field.entries:
                yield from _walk(entry.form, f"{entry.label.text}: ")
        elif not isinstance(field, (wtforms.HiddenField, wtforms.SubmitField)):
            yield field.name, (label, field)
