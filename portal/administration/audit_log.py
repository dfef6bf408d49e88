"""The audit as administrators read it: filtered, in pages, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.language import lazy_gettext
from portal.models import AuditRow, Event, User
from portal.queries.paging import Key, Order, Page, fetch

_NEWEST: Order = (Key(AuditRow.id, "id", descending=True),)
#: what was done, in words
ACTIONS: dict[str, Any] = {
    "sign-in": lazy_gettext("Signed in"),
    "sign-in.failed": lazy_gettext("Could not sign in"),
    "sign-out": lazy_gettext("Signed out"),
    "password.asked": lazy_gettext("Asked for a link to choose a password"),
    "password.chosen": lazy_gettext("Chose a password"),
    "person.added": lazy_gettext("Added a person"),
    "person.linked": lazy_gettext("Linked a person to a directory"),
    "person.invited": lazy_gettext("Invited a person"),
    "person.changed": lazy_gettext("Changed a person"),
    "person.roles": lazy_gettext("Changed the roles of a person"),
    "person.permissions": lazy_gettext("Changed the permissions of a person"),
    "person.superuser": lazy_gettext("Made or unmade a superuser"),
    "person.password": lazy_gettext("Reset a password"),
    "person.deactivated": lazy_gettext("Deactivated a person"),
    "person.reactivated": lazy_gettext("Reactivated a person"),
    "person.erased": lazy_gettext("Erased a person"),
    "factor.on": lazy_gettext("Set up two factors"),
    "factor.off": lazy_gettext("Switched off two factors"),
    "factor.reset": lazy_gettext("Reset the second factor of a person"),
    "factor.codes": lazy_gettext("Made other recovery codes"),
    "factor.recovery": lazy_gettext("Used a recovery code"),
    "session.ended": lazy_gettext("Ended sessions elsewhere"),
    "role.added": lazy_gettext("Added a role"),
    "role.renamed": lazy_gettext("Renamed a role"),
    "role.permissions": lazy_gettext("Changed what a role allows"),
    "role.removed": lazy_gettext("Deleted a role"),
    "assign": lazy_gettext("Assigned a task"),
    "reassign": lazy_gettext("Assigned the task of somebody to another"),
    "unassign": lazy_gettext("Gave the task of somebody back"),
    "help": lazy_gettext("Changed who helps with the task of somebody"),
    "requester": lazy_gettext("Gave the request of somebody to another"),
    "skip": lazy_gettext("Skipped a step"),
    "move": lazy_gettext("Moved a token"),
    "cancel": lazy_gettext("Cancelled"),
    "undo": lazy_gettext("Undid a step"),
    "revive": lazy_gettext("Retried or reopened"),
    "suspend": lazy_gettext("Suspended a process"),
    "resume": lazy_gettext("Resumed a process"),
    "data": lazy_gettext("Changed data"),
    "due": lazy_gettext("Changed a due date"),
    "priority": lazy_gettext("Changed a priority"),
    "send": lazy_gettext("Sent a message or a signal"),
    "add": lazy_gettext("Added an item"),
    "migrate": lazy_gettext("Moved a task to the flow as it is now"),
    "hold": lazy_gettext("Put a legal hold on a process"),
    "release": lazy_gettext("Ended a legal hold"),
    "export": lazy_gettext("Exported"),
    "read": lazy_gettext("Opened"),
    "archive": lazy_gettext("Archived processes"),
    "anonymise": lazy_gettext("Anonymised processes"),
    "delete": lazy_gettext("Deleted processes"),
    "token.made": lazy_gettext("Made a token"),
    "token.revoked": lazy_gettext("Revoked a token"),
}


@dataclass(frozen=True)
class Wanted:
    """The filters of the page, as its address has them.

    Attributes:
        person: the user name of who did it, or whom it is about.
        action: a key of `ACTIONS`.
        process: the number of a process.
        since, until: days, both included.
    """

    person: str = ""
    action: str = ""
    process: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    after: str = ""

    @property
    def narrows(self) -> bool:
        return bool(self.person or self.action or self.process or self.since or self.until)


@dataclass(frozen=True)
class Line:
    """A row with the people in it.

    Attributes:
        subject: the person that it is about, if it is about one.
        changes: of a change of data the old and the new values, while the history has them.
    """

    row: AuditRow
    user: User | None
    subject: User | None
    changes: dict[str, list[Any]]

    @property
    def words(self) -> str:
        return str(ACTIONS.get(self.row.action, self.row.action))

    @property
    def told(self) -> str:
        """What is in the detail, in one line."""
        parts = []
        for name, value in self.row.detail.items():
            if name == "digest" or value in ("", [], None):
                continue
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            parts.append(f"{_WORDS.get(name, name)}: {text}")
        return "; ".join(parts)


_WORDS: dict[str, Any] = {
    "address": lazy_gettext("address"), "device": lazy_gettext("device"), "added": lazy_gettext("added"),
    "removed": lazy_gettext("removed"), "fields": lazy_gettext("fields"), "step": lazy_gettext("step"),
    "task": lazy_gettext("task"), "tasks": lazy_gettext("tasks"), "flow": lazy_gettext("flow"),
    "name": lazy_gettext("name"), "permissions": lazy_gettext("permissions"), "roles": lazy_gettext("roles"),
    "sessions": lazy_gettext("sessions"), "way": lazy_gettext("way"), "source": lazy_gettext("source"),
    "from": lazy_gettext("from"), "to": lazy_gettext("to"),
    "texts": lazy_gettext("texts"),
}  # fmt: skip


def page(session: Session, wanted: Wanted, ids: list[int] | None, size: int = 50) -> tuple[Page, list[Line]]:
    """One page, the newest first.

    Args:
        ids: of the persons that `wanted.person` means; None where it names none.
    """
    query = select(AuditRow).where(*_criteria(wanted, ids))
    found = fetch(session, query, _NEWEST, wanted.after, size)
    return found, lines(session, found.rows)


def everything(session: Session, wanted: Wanted, ids: list[int] | None) -> Iterator[Line]:
    """All that match, read a page at a time."""
    after = ""
    while True:
        found, some = page(session, replace(wanted, after=after), ids, 500)
        yield from some
        session.expunge_all()
        if not found.after:
            return
        after = found.after


def lines(session: Session, rows: list[AuditRow]) -> list[Line]:
    """Rows with their people and values, in two statements however many they are."""
    ids = {row.user_id for row in rows if row.user_id is not None}
    about = {
        row.id: int(row.subject_id) for row in rows if row.subject == "person" and row.subject_id.isdigit()
    }
    query = select(User).where(User.id.in_(ids | set(about.values())))
    people = {user.id: user for user in session.scalars(query)} if ids or about else {}
    values = _values(session, [row for row in rows if row.action == "data"])
    return [
        Line(row, people.get(row.user_id or 0), people.get(about.get(row.id, 0)), values.get(row.id, {}))
        for row in rows
    ]


def _values(session: Session, rows: list[AuditRow]) -> dict[int, dict[str, list[Any]]]:
    if not rows:
        return {}
    keys = {(int(row.subject_id), row.created): row.id for row in rows}
    query = select(Event.process_id, Event.created, Event.detail).where(
        Event.process_id.in_([process_id for process_id, _created in keys]), Event.action == "data"
    )
    found: dict[int, dict[str, list[Any]]] = {}
    for process_id, created, detail in session.execute(query):
        if (number := keys.get((process_id, created))) is not None:
            found.setdefault(number, {}).update(detail.get("changes", {}))
    return found


def _criteria(wanted: Wanted, ids: list[int] | None) -> Iterator[Any]:
    if wanted.person:
        about = (AuditRow.subject == "person") & AuditRow.subject_id.in_(
            [str(number) for number in ids or ()]
        )
        yield or_(AuditRow.user_id.in_(ids or ()), about)
    if wanted.action:
        yield AuditRow.action == wanted.action
    if wanted.process:
        yield (AuditRow.subject == "process") & (AuditRow.subject_id == wanted.process)
    if wanted.since is not None:
        yield AuditRow.created >= _midnight(wanted.since)
    if wanted.until is not None and wanted.until < dt.date.max:
        yield AuditRow.created < _midnight(wanted.until + dt.timedelta(days=1))


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
