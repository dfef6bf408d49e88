"""The audit: who did what, when and from where; filtered, and as a file."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from flask import Response, request

from portal.administration import access, audit_log
from portal.administration.audit_log import Wanted
from portal.engine import audit
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import db, find_user

from .. import navigation
from ..csv_files import as_csv, note_export
from ..navigation import Entry
from ..rendering import render_template
from ..urls import asked, narrowed, to_id
from .access import blueprint

navigation.register(
    Entry(
        "audit",
        lazy_gettext("Audit"),
        "journal-check",
        "portal.admin.audit_rows",
        94,
        shown=access.administers,
    )
)


@blueprint.get("/audit")
def audit_rows() -> str | Response:
    wanted = _wanted()
    ids = _ids(wanted.person)
    if request.args.get("format") == "csv":
        note_export("audit", action=wanted.action)
        head = (
            _("Number"),
            _("When"),
            _("Who"),
            _("What"),
            _("Subject"),
            _("Number or name"),
            _("Detail"),
            _("Hash"),
        )
        return as_csv("audit", head, _rows(wanted, ids))
    page, lines = audit_log.page(db.session(), wanted, ids)
    return render_template(
        "portal/admin/audit.html",
        page=page,
        lines=lines,
        wanted=wanted,
        with_=lambda **changes: _address(wanted, **changes),
        actions=sorted(
            ((name, str(words)) for name, words in audit_log.ACTIONS.items()), key=lambda each: each[1]
        ),
        head=audit.head(db.session()),
    )


def _wanted() -> Wanted:
    get = request.args.get
    number = to_id(get("process", "").strip())
    return Wanted(
        person=asked("person", 200),
        action=asked("action", 30),
        process="" if number is None else str(number),
        since=_day(get("since", "")),
        until=_day(get("until", "")),
        after=get("after", ""),
    )


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _ids(name: str) -> list[int] | None:
    if not name:
        return None
    found = find_user(db.session(), name)
    return [] if found is None else [found.id]


def _address(wanted: Wanted, **changes: Any) -> str:
    names = ("person", "action", "process", "since", "until")
    values = {name: getattr(wanted, name) for name in names} | changes
    return narrowed("portal.admin.audit_rows", **values)


def _rows(wanted: Wanted, ids: list[int] | None) -> Iterator[list[Any]]:
    for line in audit_log.everything(db.session(), wanted, ids):
        row = line.row
        yield [
            row.id,
            row.created.isoformat(timespec="seconds"),
            line.user.username if line.user is not None else "",
            row.action,
            row.subject,
            line.subject.username if line.subject is not None else row.subject_id,
            json.dumps(row.detail, sort_keys=True, ensure_ascii=False),
            row.hash,
        ]
