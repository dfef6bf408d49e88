"""Writes a form to its object: its own fields, and nothing else."""

from __future__ import annotations

from typing import Any

import wtforms
from sqlalchemy import inspect
from werkzeug.datastructures import FileStorage
from wtforms import Form, SubmitField

from portal.errors import InvalidForm
from portal.jsonstore import fields_of

from .build import RecordForm, add_error, populate, put, words_of
from .conditional import resting
from .declared import stores
from .uploads import taken


def write(form: Form, target: Any) -> None:
    """Write a form's own fields to an object; what is not asked for now is emptied there.

    Raises:
        InvalidForm: the object refuses a value.
    """
    away = resting(form) - frozenset(getattr(form, "_left", ()))
    written = populate(form, target) if isinstance(form, RecordForm) else _write_by_hand(form, target)
    for name in away:
        _empty(target, name)
    if not written:
        raise InvalidForm(errors=dict(form.errors))


def _write_by_hand(form: Form, target: Any) -> bool:
    """The same for a form that an author wrote; buttons and what the object does not have are left out."""
    valid = True
    left = resting(form) | frozenset(getattr(form, "_left", ()))
    for name, field in form._fields.items():
        if name == "csrf_token" or isinstance(field, SubmitField) or not stores(type(target), name):
            continue
        if name in left:
            continue
        value = field.data
        if isinstance(field, wtforms.FileField):
            if not isinstance(value, FileStorage) or not value:
                continue
            value = field.data = taken(value)
        try:
            put(target, name, value)
        except ValueError as error:
            add_error(field, words_of(error))
            valid = False
    return valid


def _empty(target: Any, name: str) -> None:
    """Take out what an answer that no longer holds has left; a column that must have a value keeps it."""
    if name in fields_of(type(target)):
        delattr(target, name)
        return
    mapper: Any = inspect(type(target))
    column = mapper.columns.get(name)
    if column is not None and column.nullable and getattr(target, name) is not None:
        setattr(target, name, None)
