"""Imports people from a CSV file: adds and changes them, and removes nobody.

The first line names the columns: `username`, and any of those of a person. Lists are separated by semicolons. A column
that is not there leaves what it says as it is; an empty cell empties it. The same file again changes nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import usernames
from portal.engine import audit
from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import Role, User, find_user

from . import leaving, people, roles

#: the columns: `active` is yes or no
COLUMNS = ("username", *people.FIELDS, "active")
#: so many rows at most
MOST = 20_000
_LISTS = ("skills", "roles", "permissions")
_YES, _NO = ("1", "yes", "true", "x"), ("", "0", "no", "false")


@dataclass
class Line:
    """What a line of the file does.

    Attributes:
        number: in the file.
        username: whose it is.
        changes: what differs, as `department: Finance → Sales`; empty where nothing does.
        fault: why it cannot be.
        new: nobody was called so.
    """

    number: int
    username: str
    changes: list[str] = field(default_factory=list)
    fault: str = ""
    new: bool = False


@dataclass
class Report:
    """What a file does, or has done."""

    lines: list[Line]
    #: roles that it makes
    roles: list[str]

    @property
    def faults(self) -> list[Line]:
        return [line for line in self.lines if line.fault]

    @property
    def changed(self) -> list[Line]:
        return [line for line in self.lines if not line.fault and (line.new or line.changes)]


def _fault_of_head(head: list[str]) -> str:
    """What is wrong with the names of the columns; nothing if they can be taken."""
    columns = ", ".join(COLUMNS)
    for name in head:
        if name not in COLUMNS:
            return _(
                "“%(name)s” is no column: the first line names some of %(columns)s",
                name=name[:50],
                columns=columns,
            )
        if head.count(name) > 1:
            return _("The first line names the column “%(name)s” twice.", name=name)
    if "username" not in head:
        return _("There is no column “username”: the first line names some of %(columns)s", columns=columns)
    return ""


def read(text: str) -> list[tuple[int, dict[str, Any]]]:
    """The rows of a file with the numbers of their lines.

    Raises:
        PortalError: it is no such file.
    """
    try:
        dialect: Any = csv.Sniffer().sniff(text[:4000].partition("\n")[0], ",;\t")
    except csv.Error:
        dialect = csv.excel
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=dialect.delimiter)
    try:
        head = [name.strip().lower() for name in next(reader, [])]
        if fault := _fault_of_head(head):
            raise PortalError(fault)
        rows = [
            (reader.line_num, _row(head, cells)) for cells in reader if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise PortalError(_("This is no CSV file: %(error)s", error=error)) from error
    if len(rows) > MOST:
        raise PortalError(_("At most %(number)s people at once.", number=MOST))
    return rows


def _row(head: list[str], cells: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, cell in zip(head, [*cells, *[""] * (len(head) - len(cells))], strict=False):
        text = cell.strip()
        row[name] = [part.strip() for part in text.split(";") if part.strip()] if name in _LISTS else text
    if len(cells) > len(head):
        row["_more"] = True
    return row


def run(
    session: Session, rows: Iterable[tuple[int, dict[str, Any]]], by: User | None, *, dry: bool
) -> Report:
    """Do what the rows say, in one transaction that the caller has begun to write in: all of them or, where one is
    faulty, none. A dry run rolls back what it has tried.

    Args:
        dry: only say what it would do.
    """
    rows = list(rows)
    with audit.together(session):
        report = _tried(session, rows, by)
        if dry or report.faults:
            session.rollback()
            session.info["audit"].clear()
    return report


def _tried(session: Session, rows: list[tuple[int, dict[str, Any]]], by: User | None) -> Report:
    made = _make_roles(session, rows, by)
    lines, seen = [], set()
    for number, row in rows:
        line = Line(number, row["username"])
        lines.append(line)
        key = usernames.key(line.username)
        if key in seen:
            line.fault = _("this person is in the file twice")
            continue
        seen.add(key)
        try:
            with session.begin_nested():
                _one(session, row, line, by)
        except PortalError as error:
            line.fault = str(error)
    _set_managers(session, rows, {line.number: line for line in lines}, by)
    return Report(lines, made)


def _make_roles(session: Session, rows: list[tuple[int, dict[str, Any]]], by: User | None) -> list[str]:
    wanted = dict.fromkeys(name for _number, row in rows for name in row.get("roles", ()))
    there = set(session.scalars(select(Role.name)))
    made = []
    for name in wanted:
        if name not in there:
            try:
                with session.begin_nested():
                    roles.add(session, name, (), by)
            except PortalError:
                continue  # its line says so
            made.append(name)
    return made


def _one(session: Session, row: dict[str, Any], line: Line, by: User | None) -> None:
    if row.get("_more"):
        raise PortalError(_("it has more cells than there are columns"))
    given = {name: row[name] for name in people.FIELDS if name in row and name != "manager"}
    if "is_superuser" in given:
        given["is_superuser"] = _flag(given["is_superuser"], "is_superuser")
    person = find_user(session, line.username) if line.username else None
    if person is None:
        line.new = True
        person = people.add(session, line.username, given, by)
        line.changes = [
            f"{name}: {_words(value)}" for name, value in given.items() if value not in ("", [], False)
        ]
    else:
        before = people.values_of(person)
        changed = people.change(session, person, given, by) if given else []
        after = people.values_of(person)
        line.changes = [f"{name}: {_words(before[name])} → {_words(after[name])}" for name in changed]
    if "active" in row:
        active = _flag(row["active"], "active")
        if active != person.is_active:
            line.changes.append(f"active: {_words(person.is_active)} → {_words(active)}")
            leaving.reactivate(session, person, by) if active else leaving.end(session, person, by)


def _set_managers(
    session: Session, rows: list[tuple[int, dict[str, Any]]], lines: dict[int, Line], by: User | None
) -> None:
    """Set managers after everybody was added: a manager may stand below their people in the file."""
    for number, row in rows:
        line = lines[number]
        if line.fault or "manager" not in row:
            continue
        person = find_user(session, row["username"])
        assert person is not None  # it was made or found above
        before = people.values_of(person)["manager"]
        try:
            with session.begin_nested():
                people.change(session, person, {"manager": row["manager"]}, by)
        except PortalError as error:
            line.fault = str(error)
            continue
        after = people.values_of(person)["manager"]
        if before != after:
            line.changes.append(f"manager: {_words(before)} → {_words(after)}")


def _flag(text: str, name: str) -> bool:
    word = text.lower()
    if word not in (*_YES, *_NO):
        words = _("yes or no, not %(text)s", text=text[:20])
        raise PortalError(f"{name}: {words}")
    return word in _YES


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "–" if value in ("", None) else str(value)
