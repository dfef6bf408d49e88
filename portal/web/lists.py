"""The lists of tasks: inbox, queue, archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.flow import registry
from portal.language import lazy_gettext as _
from portal.models import db
from portal.queries import Filters, data_filter

from . import navigation
from .accounts.sign_in import require_login
from .display.moments import zone
from .layout import me, preferences
from .navigation import Entry

#: what is longer is no filter
_LONGEST, _MOST_CONDITIONS = 1000, 20

blueprint = Blueprint("lists", __name__)
blueprint.before_request(require_login)
navigation.register(
    Entry("inbox", _("Inbox"), "inbox", "portal.lists.inbox", 10),
    Entry("queue", _("Queue"), "stack", "portal.lists.queue", 20),
    Entry("archive", _("Archive"), "archive", "portal.lists.archive", 30),
)


def filters_of(values: MultiDict[str, str]) -> Filters:
    """What an address narrows its list to."""

    def get(name: str) -> str:
        return (
            values.get(name, "").replace("\0", "").strip()[:_LONGEST]
        )  # NUL: PostgreSQL takes it in no text

    conditions = (data_filter(key, get(key)) for key in values)
    return Filters(
        **{
            name: get(name)
            for name in ("flow", "q", "step", "person", "since", "until", "priority", "sort", "after", "view")
        },
        state=(get("state") or get("status")).lower(),
        due="late" if get("late") == "1" else get("due"),
        data=tuple(each for each in conditions if each is not None)[:_MOST_CONDITIONS],
        mine=get("mine") == "1",
        zone=zone(preferences().get("timezone")),
    )


class Addresses:
    """The addresses of a list: sorted otherwise, the next page, without filters."""

    def __init__(self, path: str, filters: Filters, orders: Mapping[str, Any]) -> None:
        self.path, self.filters = path, filters
        #: the name of the order that the list is in
        self.order = filters.sort if filters.sort in orders else next(iter(orders))

    def with_(self, **changes: Any) -> str:
        return self._of(dict(self.filters.pairs()) | {"view": self.filters.view} | changes)

    def without(self, *names: str) -> str:
        """Without these filters; where none is left, the saved view is left too."""
        return self._of(dict(self.filters.without(*names).pairs()))

    def clear(self) -> str:
        """Without any filter, in the same order."""
        kept = ("sort", "mine")
        return self._of({name: value for name, value in self.filters.pairs() if name in kept})

    def _of(self, values: Mapping[str, Any]) -> str:
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{self.path}?{query}" if query else self.path

    def sort(self, name: str) -> str:
        """By this column; a second time turns it round."""
        return self.with_(sort=f"-{name}" if self.order == name else name)

    def direction(self, name: str) -> str:
        """For `aria-sort`."""
        return {name: "ascending", f"-{name}": "descending"}.get(self.order, "none")


def flow_choices() -> list[tuple[str, str]]:
    return sorted(
        ((label, flow.definition.title) for label, flow in registry.items()),
        key=lambda each: each[1].lower(),
    )


def _list(name: str, orders: Mapping[str, Any], read: Any, **context: Any) -> str:
    filters = filters_of(request.args)
    page = read(db.session(), me(), filters)
    if name == "archive":
        context["attention"] = queries.attention(db.session(), [task.process for task in page])
    return render_template(
        f"portal/{name}.html",
        page=page,
        filters=filters,
        addresses=Addresses(url_for(f"portal.lists.{name}"), filters, orders),
        flow_choices=flow_choices(),
        **context,
    )


def home() -> BaseResponse:
    """The front page."""
    return redirect(url_for("portal.lists.inbox"))


@blueprint.get("/inbox")
def inbox() -> str:
    return _list("inbox", queries.ORDERS, queries.inbox)


@blueprint.get("/queue")
def queue() -> str:
    return _list("queue", queries.ORDERS, queries.queue)


@blueprint.get("/archive")
def archive() -> str:
    return _list("archive", queries.ARCHIVE_ORDERS, queries.archive)
