"""What has changed since a page was read: the badges, and new rows of its list."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, Response, jsonify, request

from portal import queries
from portal.language import ngettext
from portal.models import db
from portal.models.base import is_storable

from .accounts.sign_in import require_login
from .layout import badges, me
from .urls import to_id

blueprint = Blueprint("news", __name__)
blueprint.before_request(require_login)


@blueprint.get("/news")
def news() -> Response:
    """JSON: the badges as the side bar writes them, and a line where something is new in a list.

    `list` names the list, `since` says when it was read, and `newest` which task was the last
    one then. The answer has an ETag; 304 where nothing has changed.
    """
    shown = badges()
    answer: dict[str, Any] = {"badges": {name: shown.get(name, "") for name in queries.BADGES}, "text": ""}
    name, since = request.args.get("list", ""), _moment(request.args.get("since", ""))
    if name in ("inbox", "queue", "tasks") and since is not None:
        newest = to_id(request.args.get("newest", "")) or 0
        count = queries.came_since(db.session(), me(), name, since, newest)
        if count:
            answer["text"] = ngettext("%(number)s new task · Show", "%(number)s new tasks · Show", count)
    response = jsonify(answer)
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if is_storable(moment) else None
