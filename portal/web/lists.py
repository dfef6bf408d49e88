"""The lists of tasks: inbox, queue, archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.flow import registry
from portal.language import lazy_gettext as _
from portal.models import db
from portal.queries import Filters

from . import navigation
from .accounts.sign_in import require_login
from .layout import me
from .navigation import Entry

blueprint = Blueprint("lists", __name__)
blueprint.before_request(require_login)
navigation.register(
    Entry("inbox", _("Inbox"), "inbox", "portal.lists.inbox", 10),
    Entry("queue", _("Queue"), "stack", "portal.lists.queue", 20),
    Entry("archive", _("Archive"), "archive", "portal.lists.archive", 30),
)


def filters_of_request(values: Mapping[str, str] | None = None) -> Filters:
    """What the address narrows the list to.

    Args:
        values: what a form has instead of an address.
    """
    values = request.args if values is None else values

    def get(name: str, default: str = "") -> str:
        return values.get(name, default).replace("\0", "")  # which PostgreSQL takes in no text

    return Filters(
        flow=get("flow", ""),
        q=get("q"),
        sort=get("sort", ""),
        after=get("after", ""),
        late=get("late") == "1",
        status=_state(get("state", "") or get("status", "")),
        mine=get("mine") == "1",
    )


def _state(text: str) -> str:
    """`attention`, or a state in any case."""
    return "TROUBLE" if text.lower() == "attention" else text.upper()


class Addresses:
    """The addresses of a list: sorted otherwise, the next page, without filters."""

    def __init__(self, path: str, filters: Filters, orders: Mapping[str, Any]) -> None:
        self.path, self.filters = path, filters
        #: the name of the order that the list is in
        self.order = filters.sort if filters.sort in orders else next(iter(orders))

    def with_(self, **changes: Any) -> str:
        values = {name: getattr(self.filters, name) for name in ("flow", "q", "sort")}
        values["state"] = "attention" if self.filters.status == "TROUBLE" else self.filters.status.lower()
        values |= {name: "1" for name in ("late", "mine") if getattr(self.filters, name)}
        values |= changes
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
    filters = filters_of_request()
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
    return _list("inbox", queries.ORDERS, queries.inbox, snoozed=queries.snoozed(db.session(), me()))


@blueprint.get("/queue")
def queue() -> str:
    return _list("queue", queries.ORDERS, queries.queue)


@blueprint.get("/archive")
def archive() -> str:
    return _list("archive", queries.ARCHIVE_ORDERS, queries.archive)
