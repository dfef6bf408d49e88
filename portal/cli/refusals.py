"""Tells what stops a command in one line, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import click
from flask import has_app_context
from sqlalchemy.exc import SQLAlchemyError

from portal.errors import PortalError

#: the commands that tell it
_TOLD: WeakSet[click.Command] = WeakSet()


def in_words(command: click.Command) -> None:
    """A command that the database refuses says so in one line, and exits with 1; so do those of a group."""
    if command in _TOLD:
        return
    _TOLD.add(command)
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        in_words(each)  # while its application is there, which knows what the database lacks
    invoke = command.invoke

    def told(context: click.Context) -> Any:
        with in_one_line():
            return invoke(context)

    command.invoke = told  # type: ignore[method-assign, assignment]


@contextmanager
def in_one_line() -> Iterator[None]:
    """What the portal or the database refuses is a `ClickException`, in its words."""
    try:
        yield
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database cannot be used: {words_of(error)}") from error
    except PortalError as error:
        raise click.ClickException(str(error)) from error


def words_of(error: SQLAlchemyError) -> str:
    """Why the database cannot be used, with what its schema lacks."""
    from portal.engine.retries import reason
    from portal.models import db, schema_fault

    words = reason(error)
    if not has_app_context():
        return words
    try:
        fault = schema_fault(db.session())
    except SQLAlchemyError:
        return words
    return words if fault is None else f"{words} ({fault})"
