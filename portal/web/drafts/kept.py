"""Keeps what a form has sent until it is accepted, so that nothing typed is lost.

A draft is the person's own and is saved by our script while they type, and by the server whenever a form is refused.
What a browser sends after its session has ended is `parked`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import current_app, g, request, url_for
from flask.sansio.scaffold import Scaffold
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import drafts
from portal.engine.retries import give_up
from portal.language import lazy_gettext
from portal.models import Draft, db

from .. import limits
from ..accounts.person import is_signed_in, person
from ..urls import to_id
from .labels import in_words, is_secret, secrets_of

#: characters of names and texts together that a draft may have
LARGEST = 2_000_000
#: bytes that are read of a form that is larger than the portal takes, for the texts in it, if its sender is signed in
READ_OF_TOO_LARGE = 64 * 1024 * 1024
KEPT = lazy_gettext("What you typed is kept as a draft: the form has it when you open it again.")
NOT_KEPT = lazy_gettext("It could not be kept as a draft: copy it from here before you leave this page.")
TOO_LONG = lazy_gettext(
    "It is too long to be kept as a draft (more than %(LARGEST)s characters): copy it from here.",
    LARGEST=f"{LARGEST:,}",
)
#: what a form carries for the portal itself
_OURS = {
    "csrf_token",
    "_start",
    "_continue",
    "_asks_next",
    "_order",
    "_more",
    "_less",
    "_up",
    "_down",
    "_to",
    "discard",
}
_OF_DRAFTS = {"portal.drafts.of_task", "portal.drafts.of_start"}


class Place(NamedTuple):
    """A form: its path, which is no address but the key of its drafts, and its task where it is a task's."""

    path: str
    task_id: int | None


def place() -> Place | None:
    """The form that this request is about."""
    given = request.view_args or {}
    if request.endpoint not in limits.KEPT | _OF_DRAFTS:
        return None
    if request.endpoint in limits.COMMENTS:
        subject, number = _subject()
        return None if number is None else Place(comments_of(subject, number), None)
    if "task_id" in given:
        number = to_id(given["task_id"])
        return None if number is None else Place(drafts.form_of(number), number)
    path = f"/flows/{given['label']}/start/{given['name']}"
    return Place(path, None) if len(path) <= 255 and "\0" not in path else None


def comments_of(subject: str, number: int) -> str:
    """The path of the drafts of comments on a process or a task."""
    return f"/{subject}/{number}/comments"


def _subject() -> tuple[str, int | None]:
    """What a comment is about: `tasks` or `processes`, and the number."""
    given = request.view_args or {}
    subject = "tasks" if "task_id" in given else "processes"
    return subject, to_id(given["task_id"] if subject == "tasks" else given["process_id"])


def form_address() -> str:
    """Where the form is that this request is about."""
    given = request.view_args or {}
    if request.endpoint in limits.COMMENTS:
        subject, _number = _subject()
        return url_for(f"portal.{subject}.detail", **given, _anchor="comments")
    return url_for("portal.tasks.execute" if "task_id" in given else "portal.start.form", **given)


def draft_address() -> str:
    """Where its drafts are saved and discarded."""
    given = request.view_args or {}
    return url_for("portal.drafts.of_task" if "task_id" in given else "portal.drafts.of_start", **given)


def is_form() -> bool:
    """Whether a form was sent, as opposed to a draft of one."""
    return request.method == "POST" and request.endpoint in limits.KEPT


def typed() -> drafts.Typed:
    """What the form that was sent holds in texts; nothing where it cannot be read."""
    try:
        sent = MultiDict() if limits.has_too_many_fields() else request.form
    except RequestEntityTooLarge:
        sent = _form_that_is_too_large()
    except Exception:
        return []
    pairs = [[name, text] for name, text in sent.items(multi=True) if name not in _OURS]
    return [pair for pair in pairs if not is_secret(pair[0])]


def _form_that_is_too_large() -> MultiDict[str, str]:
    signed_in = answers_signed_in()
    most = READ_OF_TOO_LARGE if signed_in else limits.STRANGERS_BYTES
    request.max_content_length = request.max_form_memory_size = most
    request.max_form_parts = limits.MOST_FIELDS if signed_in else limits.STRANGERS_FIELDS
    try:
        return MultiDict() if limits.has_too_many_fields() else request.form
    except Exception:
        return MultiDict()


def digest(values: drafts.Typed) -> str:
    """What tells one content of a form from another."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def keep() -> str:
    """Keep the form that was sent as this person's draft, once for each request. How that went, in words."""
    words: str | None = g.get("draft_words")
    if words is None:
        words = g.draft_words = _keep()
    return words


def _keep() -> str:
    values, where = typed(), place()
    if where is None or not values or not is_from_here():
        return str(NOT_KEPT)
    if size(values) > LARGEST:
        return str(TOO_LONG)
    try:
        if not is_signed_in():
            return str(NOT_KEPT)
        user_id = person().id
        hidden = secrets_of(where.path, where.task_id, values)
        drafts.save(db.session(), user_id, *where, [pair for pair in values if pair[0] not in hidden])
    except Exception as error:
        give_up(db.session())
        current_app.logger.warning("a draft could not be kept", exc_info=error)
        return str(NOT_KEPT)
    return str(KEPT)


def accepted() -> None:
    """The form was accepted: in the same transaction there is no draft of it any more."""
    where = place()
    if where is not None:
        drafts.accepted(db.session(), person().id, where.path)


def current() -> Draft | None:
    """This person's draft of the form that is shown."""
    if "draft" not in g:
        where = place()
        known = where is not None and request.method == "GET" and is_signed_in()
        g.draft = drafts.read(db.session(), person().id, where.path) if known and where else None
    found: Draft | None = g.draft
    return found


def restored() -> MultiDict[str, str] | None:
    """What the form is filled with instead of what is stored; None where there is no draft."""
    draft = current()
    if draft is None:
        return None
    g.draft_restored = True
    return MultiDict([(name, text) for name, text in draft.typed])


def is_restored() -> bool:
    """Whether the form on this page has taken the draft: one that is written by hand does not."""
    return bool(g.get("draft_restored"))


def _in_words() -> list[tuple[str, str]]:
    where, draft = place(), current()
    return [] if where is None or draft is None else in_words(*where, draft.typed, seen=True)


def size(values: drafts.Typed) -> int:
    return sum(len(name) + len(text) for name, text in values)


def is_from_here() -> bool:
    """Whether a page of ours has sent this form, as browsers tell: another site's could plant a text."""
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    return origin is None or urlsplit(origin).netloc == request.host


# -- wiring --------------------------------------------------------------------------------------------------


def _keep_refused(response: BaseResponse) -> BaseResponse:
    if is_form() and _comes_back(response) and "draft_words" not in g and answers_signed_in():
        keep()
    return response


def _comes_back(response: BaseResponse) -> bool:
    """Whether the form was refused, or another page of it is shown."""
    return response.status_code >= 400 or "_to" in request.form


def answers_signed_in() -> bool:
    """Whether somebody is signed in, as far as the database answers."""
    try:
        return is_signed_in()
    except Exception:  # the database does not answer
        return False


def attach(scope: Scaffold) -> None:
    scope.after_request(_keep_refused)


def helpers() -> dict[str, Any]:
    return {
        "draft": current,
        "draft_address": draft_address,
        "draft_in_words": _in_words,
        "draft_is_restored": is_restored,
    }
