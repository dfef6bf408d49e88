"""Completes the migrations that Alembic generates for an author's tables, so that they run as they stand."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnDefault, DefaultClause, text

log = logging.getLogger("portal.migrate")


def complete(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """For Alembic's `process_revision_directives`; a revision without a change is not written.

    - A new column that may not be null gets, for the rows that are there, what the code gives new ones: the database
      does not know Python's defaults.
    - A new constraint gets a name, without which SQLite cannot add it.
    """
    upgrade = directives[0].upgrade_ops
    if upgrade.is_empty():
        log.warning("The tables are as they are declared: there is no revision to write.")
        directives.clear()
        return
    for change in _changes(upgrade):
        column = getattr(change, "column", None)
        if column is not None and not column.nullable and column.server_default is None:
            column.server_default = _for_rows(column.default)
        elif getattr(change, "constraint_name", "") is None:
            columns: Any = getattr(change, "local_cols", None) or getattr(change, "columns", ())
            table = getattr(change, "source_table", None) or change.table_name
            change.constraint_name = "_".join((table, *columns, type(change).__name__[6:8].lower()))
    directives[0].downgrade_ops = upgrade.reverse()


def _changes(container: Any) -> Iterator[Any]:
    for change in container.ops:
        yield from _changes(change) if hasattr(change, "ops") else (change,)


def _for_rows(default: Any) -> DefaultClause | None:
    value = default.arg if isinstance(default, ColumnDefault) and default.is_scalar else None
    if isinstance(value, bool):
        return DefaultClause(text("true" if value else "false"))
    return DefaultClause(str(value)) if isinstance(value, int | float | str) else None
