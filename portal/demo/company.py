"""A company as the demo: who works there, and what they ask of each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from portal.models import Role, User, db
from portal.models.user import Passwords, check_permissions

#: what somebody enters in a form: of the die, the process (of a start the day), and nothing else
Answer = Callable[[Random, Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Person:
    """Somebody who works there.

    Attributes:
        manager: a user name.
        left: no longer works there at the end, and has left open tasks behind.
    """

    username: str
    name: str
    department: str
    manager: str | None = None
    roles: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    capacity: int | None = None
    is_superuser: bool = False
    left: bool = False


@dataclass(frozen=True)
class Paper:
    """A file that somebody attaches: one page with a few lines, as PDF."""

    name: str
    lines: tuple[str, ...]

    def content(self) -> bytes:
        shown = " T* ".join(f"({_escaped(line)}) Tj" for line in self.lines)
        stream = f"BT /F1 14 Tf 20 TL 60 760 Td {shown} ET".encode("latin-1")
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R "
            b"/Resources << /Font << /F1 4 0 R >> >> >>",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            b"<< /Length %d >> stream\n%s\nendstream" % (len(stream), stream),
        ]
        made, places = b"%PDF-1.4\n", []
        for number, each in enumerate(objects, 1):
            places.append(len(made))
            made += b"%d 0 obj\n%s\nendobj\n" % (number, each)
        table = b"".join(b"%010d 00000 n \n" % place for place in places)
        trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
            len(objects) + 1,
            len(made),
        )
        return made + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + trailer


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


@dataclass(frozen=True)
class Story:
    """What people ask for with one flow.

    Attributes:
        start: a start of the flow, for people or for code.
        number: how often in ninety days.
        role: who starts it; everybody who may, by default.
        values: what the start is given, by the day on which it is.
        answers: what is entered at each step that waits, by its name, or by `label.name` of a called flow.
        hours: how many working hours a step usually waits.
        remarks: what a manager asks in a comment, and what the requester answers.
        papers: what requesters attach.
    """

    start: Any
    number: int
    values: Answer
    answers: Mapping[str, Answer] = field(default_factory=dict)
    role: str | None = None
    hours: float = 6
    remarks: Sequence[tuple[str, str]] = ()
    papers: Sequence[Paper] = ()


@dataclass(frozen=True)
class Away:
    """An absence, in days from the end of the ninety."""

    who: str
    begins: int
    ends: int
    substitute: str


@dataclass(frozen=True)
class Company:
    """People, what their roles permit, and what they do.

    Attributes:
        prepare: stores what the stories need beside people.
        drafts: forms that somebody has begun: the place of the form, who, and what is typed.
        span: how long the company has worked.
    """

    people: Sequence[Person]
    roles: Mapping[str, Sequence[str]]
    stories: Sequence[Story]
    away: Sequence[Away] = ()
    drafts: Sequence[tuple[str, str, Mapping[str, str]]] = ()
    prepare: Callable[[], None] | None = None
    seed: int = 1
    span: dt.timedelta = dt.timedelta(days=90)


def hire(company: Company, password: str) -> None:
    """Store the people, all with the same password, and the roles. One transaction."""
    session = db.session
    hashed = Passwords.hash(password)  # slow by design: once
    roles = {
        name: Role(name=name, permissions=check_permissions(permissions))
        for name, permissions in company.roles.items()
    }
    session.add_all(roles.values())
    people: dict[str, User] = {}
    for each in company.people:
        people[each.username] = User(
            username=each.username,
            full_name=each.name,
            password_hash=hashed,
            department=each.department,
            manager=people[each.manager] if each.manager else None,
            roles=[roles[name] for name in each.roles],
            skills=list(each.skills),
            capacity=each.capacity,
            is_superuser=each.is_superuser,
        )
        session.add(people[each.username])
    if company.prepare is not None:
        company.prepare()
    session.commit()
