"""Turns constraints that the database finds violated into errors at the inputs of a form.

The rows of a form are written at once, in a savepoint, so that a rule of the database is felt here and not by
something further on; whoever was faster by a moment is felt too.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    Numeric,
    SmallInteger,
    String,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Mapper, RelationshipProperty
from sqlalchemy.orm.exc import StaleDataError

from portal.errors import Gone, InvalidForm
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import Process, db

from ..display.values import list_words
from ..files import remember_files
from .build import add_error

log = logging.getLogger("portal.web")

#: PostgreSQL's states, from appendix A of its manual
_STATES = {
    "23505": "UNIQUE",
    "23P01": "UNIQUE",  # an exclusion constraint
    "23514": "CHECK",
    "23502": "NOT NULL",
    "23503": "FOREIGN KEY",
    "22001": "LONG",
    "22003": "RANGE",
}
_SQLITE = re.compile(
    r"(UNIQUE|CHECK|NOT NULL|FOREIGN KEY) constraint failed(?:: (?:index '(.*)'|(.*)))?", re.DOTALL
)
#: `Key (number, year)=(…) already exists`, in whatever language the server speaks
_KEY = re.compile(r"\((.*?)\)=\(", re.DOTALL)
_UNKNOWN = lazy_gettext("The database does not accept these values.")


def has_own_rows(model: type) -> bool:
    """Whether what a form writes to this class goes into a table of the author's, which may have rules."""
    return not issubclass(model, Process) or inspect(model).local_table is not Process.__table__


@contextmanager
def storing(form: Any, process: Process, model: type) -> Iterator[None]:
    """Store what the block writes to a row of this class.

    Raises:
        InvalidForm: the database refuses it; the form says what.
        Gone: somebody has deleted the row.
    """
    session = db.session()
    before = process.artifact
    savepoint = session.begin_nested()
    try:
        yield
        remember_files(form, process, model)
        if process.artifact is not None and process.artifact is not before:
            session.add(process.artifact)
        if issubclass(model, Process):
            session.add(process)
        session.flush()
        if _is_deferred(inspect(model)) and session.connection().dialect.name == "postgresql":
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    except BaseException as error:
        savepoint.rollback()
        if isinstance(error, StaleDataError):
            raise Gone from error
        if not _is_refusal(error):
            raise
        _tell(form, inspect(model), _Refusal.of(error))
        raise InvalidForm(errors=dict(form.errors)) from error
    savepoint.commit()


def _is_refusal(error: BaseException) -> bool:
    """A value that was refused, as opposed to a database that is not well."""
    if isinstance(error, DBAPIError):
        return isinstance(error, (IntegrityError, DataError))
    return isinstance(error, (StatementError, OverflowError))


class _Refusal(NamedTuple):
    """What a driver says of a constraint."""

    kind: str = ""
    table: str | None = None
    #: the constraint's name; SQLite gives the text of one that has none
    rule: str = ""
    columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: Any) -> _Refusal:
        original = getattr(error, "orig", error)
        if isinstance(original, OverflowError):
            return cls("RANGE")
        diagnosis = getattr(original, "diag", None)
        if diagnosis is not None:
            key = _KEY.search(diagnosis.message_detail or "")
            columns = (diagnosis.column_name,) if diagnosis.column_name else _words(key[1] if key else "")
            kind = _STATES.get(original.sqlstate or "", "")
            return cls(kind, diagnosis.table_name, diagnosis.constraint_name or "", columns)
        found = _SQLITE.search(str(original))
        if found is None:
            return cls()
        kind, index, detail = found[1], found[2] or "", found[3] or ""
        if kind in ("UNIQUE", "NOT NULL") and detail:
            places = [place.rpartition(".") for place in detail.split(", ")]
            return cls(kind, places[0][0], "", tuple(column for _, _, column in places))
        return cls(kind, None, index or detail)


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text))


def _tell(form: Any, mapper: Mapper[Any], refusal: _Refusal) -> None:
    """Say it at the input whose column it is; above the form, where it has none."""
    inputs = _inputs(form, mapper)
    rule = _rule(mapper, refusal)
    columns = _columns(mapper, refusal, rule, inputs)
    shown = [inputs[column] for column in columns if column in inputs]
    message = getattr(rule, "info", {}).get("message") or _message(refusal, rule, columns, shown)
    if shown:
        add_error(shown[0], message)
        return
    if not columns:
        log.warning("a form was refused by the database: %s", refusal)
    names = list_words(str(column.key).replace("_", " ").capitalize() for column in columns)
    form.form_errors.append(f"{names}: {message}" if names else message)


def _inputs(form: Any, mapper: Mapper[Any]) -> dict[Column[Any], Any]:
    """The inputs of the form by the columns that they write."""
    found: dict[Any, Any] = {}
    for name, field in form._fields.items():
        attribute = mapper.attrs.get(name)
        if isinstance(attribute, RelationshipProperty):
            found |= dict.fromkeys(attribute.local_columns, field)
        elif attribute is not None:
            found |= dict.fromkeys(getattr(attribute, "columns", ()), field)
    return found


def _rule(mapper: Mapper[Any], refusal: _Refusal) -> Any:
    """The constraint or the index that the database names, or whose text SQLite repeats."""
    if not refusal.rule:
        names = set(refusal.columns)
        return next(
            (each for each in _rules(mapper) if names and names == {c.name for c in each.columns}), None
        )
    for each in _rules(mapper):
        texts = [str(each.name)]
        if isinstance(each, CheckConstraint):
            texts.append(str(each.sqltext))
        if refusal.rule in texts:
            return each
    return _unnamed(mapper, refusal) if refusal.kind == "CHECK" else None


def _unnamed(mapper: Mapper[Any], refusal: _Refusal) -> CheckConstraint | None:
    """The check without a name of its own that PostgreSQL has named after its table and column."""
    found = [
        each
        for each in _rules(mapper)
        if isinstance(each, CheckConstraint)
        and not isinstance(each.name, str)
        and refusal.rule in [f"{refusal.table}_{name}_check" for name in ("", *_words(str(each.sqltext)))]
    ]
    return found[0] if len(found) == 1 else None


def _rules(mapper: Mapper[Any]) -> Iterator[Any]:
    for table in _tables(mapper):
        yield from table.constraints
        yield from table.indexes
        for column in table.columns:
            yield from column.constraints


def _is_deferred(mapper: Mapper[Any]) -> bool:
    """Whether a rule would be felt at the commit only."""
    return any(getattr(each, "deferrable", None) for each in _rules(mapper))


def _tables(mapper: Mapper[Any]) -> list[Any]:
    return [table for table in mapper.tables if table is not Process.__table__]


def _columns(
    mapper: Mapper[Any], refusal: _Refusal, rule: Any, inputs: dict[Column[Any], Any]
) -> list[Column[Any]]:
    """The columns that a refusal is about, as far as they can be known."""
    tables = [table for table in _tables(mapper) if refusal.table in (None, table.name)]
    known = {column.name: column for table in tables for column in table.columns}
    if refusal.kind in ("LONG", "RANGE"):
        return [column for column, field in inputs.items() if _does_not_fit(column, field.data)]
    if refusal.kind == "FOREIGN KEY" and not refusal.columns:
        return [column for column, field in inputs.items() if _leads_nowhere(column, field.data)]
    names = refusal.columns
    if not names and isinstance(rule, CheckConstraint):
        names = _words(str(rule.sqltext))
    elif not names and rule is not None:
        names = tuple(column.name for column in rule.columns) or _words(" ".join(map(str, rule.expressions)))
    elif not names and refusal.rule:  # a constraint without a name: PostgreSQL calls it by table and column
        name = re.sub(r"_(check|key|fkey)\d*$", "", refusal.rule.removeprefix(f"{refusal.table}_"))
        names = (name,) if name in known else _words(refusal.rule)
    return [known[name] for name in dict.fromkeys(names) if name in known]


def _message(refusal: _Refusal, rule: Any, columns: list[Column[Any]], shown: list[Any]) -> str:
    if refusal.kind == "UNIQUE" and len(columns) > 1:
        labels = [field.label.text for field in shown] or [str(column.key) for column in columns]
        return (
            _("%(labels)s are used together already.", labels=list_words(labels))
            if labels[1:]
            else _("This is used already.")
        )
    if refusal.kind == "UNIQUE":
        text = str(shown[0].raw_data[0]) if shown and getattr(shown[0], "raw_data", None) else ""
        what = f"“{text}”" if 0 < len(text) < 80 else _("This")
        return _("%(what)s is used already: it has to be a different one.", what=what)
    if refusal.kind == "CHECK" and (rule is not None or refusal.rule):
        return _("This is against a rule: %(rule)s.", rule=rule.sqltext if rule is not None else refusal.rule)
    return {
        "NOT NULL": _("This field is required."),
        "FOREIGN KEY": _("What this names is not there: choose again."),
        "LONG": _("The text is too long."),
        "RANGE": _("The number is too large."),
    }.get(refusal.kind) or str(_UNKNOWN)


def _does_not_fit(column: Column[Any], value: Any) -> bool:
    kind = column.type
    if isinstance(kind, String) and isinstance(value, str):
        return kind.length is not None and len(value) > kind.length
    if isinstance(kind, Integer) and isinstance(value, int):
        bits = 16 if isinstance(kind, SmallInteger) else 64 if isinstance(kind, BigInteger) else 32
        limit = 2 ** (bits - 1)
        return not -limit <= value < limit
    if isinstance(kind, Numeric) and isinstance(value, (int, float, Decimal)) and kind.precision is not None:
        return bool(abs(value) >= 10 ** (kind.precision - (kind.scale or 0)))
    return False


def _leads_nowhere(column: Column[Any], value: Any) -> bool:
    """Whether the row that a foreign key names is not there."""
    if value is None or not column.foreign_keys:
        return False
    state = inspect(value, raiseerr=False)
    value = state.identity[0] if state is not None and getattr(state, "identity", None) else value
    target = next(iter(column.foreign_keys)).column
    return db.session.scalar(select(target).where(target == value)) is None
