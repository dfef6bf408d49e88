"""The list of people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, request

from portal.administration import access, directory, roles
from portal.administration.directory import Wanted
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import User, db
from portal.queries import workload

from .. import navigation
from ..csv_files import as_csv, note_export
from ..navigation import Entry
from ..rendering import render_template
from ..urls import asked, narrowed
from .access import blueprint

navigation.register(
    Entry(
        "people",
        lazy_gettext("People and roles"),
        "person-gear",
        "portal.admin.people",
        90,
        shown=access.administers,
    )
)


class Addresses:
    """The addresses of the list: sorted otherwise, the next page, without filters."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.order = wanted.sort if wanted.sort in directory.ORDERS else "name"

    def with_(self, **changes: Any) -> str:
        names = ("q", "role", "department", "state", "sort")
        values = {name: getattr(self.wanted, name) for name in names} | changes
        return narrowed("portal.admin.people", **values)

    def sort(self, name: str) -> str:
        """By this column; a second time turns it round."""
        return self.with_(sort=f"-{name}" if self.order == name else name)

    def direction(self, name: str) -> str:
        """For `aria-sort`."""
        return {name: "ascending", f"-{name}": "descending"}.get(self.order, "none")


@blueprint.get("/people")
def people() -> str | Response:
    names = ("q", "role", "department", "state", "sort", "after")
    wanted = Wanted(**{name: asked(name, 300) for name in names})
    if request.args.get("format") == "csv":
        note_export("people", q=bool(wanted.q), role=wanted.role, state=wanted.state)
        return as_csv("people", _HEAD, _rows(wanted))
    session = db.session()
    page = directory.page(session, wanted)
    return render_template(
        "portal/admin/people.html",
        page=page,
        wanted=wanted,
        addresses=Addresses(wanted),
        open_tasks=workload.open_counts(session, page.rows),
        away=directory.away(session, page.rows),
        roles=roles.listed(session),
        departments=directory.departments(session),
        states=[("active", _("Active")), ("deactivated", _("Deactivated")), ("erased", _("Erased"))],
    )


#: the columns that an import takes, and when they last signed in
_HEAD = (
    "username", "full_name", "email", "manager", "department", "skills", "capacity", "language", "timezone", "roles",
    "permissions", "is_superuser", "active", "last_sign_in",
)  # fmt: skip


def _rows(wanted: Wanted) -> Iterator[list[Any]]:
    for user in directory.everybody(db.session(), wanted):
        yield _row(user)


def _row(user: User) -> list[Any]:
    return [
        user.username,
        user.full_name,
        user.email or "",
        user.manager.username if user.manager is not None else "",
        user.department,
        ";".join(user.skills or ()),
        "" if user.capacity is None else user.capacity,
        user.language or "",
        user.timezone or "",
        ";".join(sorted(role.name for role in user.roles)),
        ";".join(sorted(user.permissions or ())),
        "yes" if user.is_superuser else "no",
        "yes" if user.is_active else "no",
        user.last_sign_in.isoformat(timespec="seconds") if user.last_sign_in is not None else "",
    ]
