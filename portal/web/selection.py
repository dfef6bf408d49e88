"""What a bulk action is about: the ticked rows, or all that match the filters of a list; and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import current_app, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from portal import queries, trace
from portal.engine import operations
from portal.engine.retries import disturbance, give_up
from portal.errors import Uncertain
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import db
from portal.queries import Filters

from .filtering import filters_of_request
from .layout import me
from .messages import flash
from .refusal_words import WORDS
from .urls import see_other

#: more than this are not done in one request, nor for longer than these seconds
MOST = 500
SECONDS = 20.0
#: refusals that are named, and characters of each: messages travel in a cookie
_NAMED, _LENGTH = 12, 120
Refusal = str | dict[str, str]

#: what beside filters stands in the form of a bulk action
_OURS = (
    "csrf_token",
    "next",
    "all",
    "list",
    "reason",
    "user",
    "task",
    "process",
    "due",
    "priority",
    "until",
    "_ask",
)


@dataclass
class Selection:
    """The ids as they were sent, or those that match."""

    wanted: list[str] = field(default_factory=list)
    #: all that match a list's filters, not rows that were ticked
    whole: bool = False
    #: there are more than are done at once
    more: bool = False
    #: filters that cannot be read: nothing is done then
    faults: list[str] = field(default_factory=list)


def selection(name: str, listed: str) -> Selection:
    """What this request is about.

    Args:
        name: of the form value that holds the ids.
        listed: one of `queries.LISTS`, for all that match its filters.
    """
    if request.form.get("all") != "1":
        ids = list(dict.fromkeys(request.form.getlist(name)))
        return Selection(ids[:MOST], more=len(ids) > MOST)
    found, faults = queries.matching(db.session(), me(), listed, list_filters(), MOST + 1)
    ids = [] if faults else [str(number) for number in found]
    return Selection(ids[:MOST], whole=True, more=len(ids) > MOST, faults=faults)


def list_filters() -> Filters:
    """The filters of the list: those in the address, or else those in the form."""
    if request.args:
        return filters_of_request()
    return filters_of_request(MultiDict((k, v) for k, v in request.form.items(multi=True) if k not in _OURS))


@dataclass
class Outcome:
    """What became of a bulk action."""

    done: int = 0
    #: lines for people, each alone or with a link (`text`, `to`, `name`)
    refused: list[Refusal] = field(default_factory=list)
    left: int = 0


def each(wanted: list[str], act: Callable[[str], Refusal | None]) -> Outcome:
    """Do it with one after the other, as long as there is time.

    Args:
        act: does it in a transaction of its own, and says why not. What else it raises is logged and told as a
            refusal, as the others are done or still to be done; but for what the database could not do.
    """
    outcome, until = Outcome(), time.monotonic() + SECONDS
    for place, text in enumerate(wanted):
        if time.monotonic() > until:
            outcome.left = len(wanted) - place
            break
        refusal = _contained(act, text)
        if refusal is None:
            outcome.done += 1
        else:
            outcome.refused.append(refusal)
    return outcome


def _contained(act: Callable[[str], Refusal | None], text: str) -> Refusal | None:
    try:
        return act(text)
    except Exception as error:
        if isinstance(error, Uncertain) or disturbance(error) is not None:  # of the database: see `retry`
            raise
        give_up(db.session())
        reference = trace.current.get()
        current_app.logger.error(
            "reference %s: %s of a bulk action failed", reference, text[:20], exc_info=error
        )
        return _("Refused: %(what)s", what=f"{text[:20]}: {WORDS[500].title} ({reference})")


def leave_to_workers(
    action: str, target: str, listed: str, total: int, reason: str, given: Any = None
) -> BaseResponse:
    """Have the workers do it with all that match the list's filters, and lead to the page that tells how far they are.

    Args:
        target: `task` or `process`.
        given: what the action is given beside each, see `operations.Scope`.
    """
    scope = operations.Scope("filters", list_filters().document(), listed, given)
    key = operations.begin(db.session(), me(), action, target, scope, total=total, reason=reason)
    return see_other(url_for("portal.operations_of_people.detail", operation_id=key))


def with_filters(address: str) -> str:
    """An address with the filters of the address of this request."""
    query = request.query_string.decode("ascii", "replace")
    return f"{address}?{query}" if query else address


def tell_nothing(chosen: Selection, nothing: str) -> None:
    """Say why nothing was done: filters that cannot be read, or that nothing matches them."""
    for fault in chosen.faults:
        flash(fault, "warning")
    if not chosen.faults:
        flash(nothing if chosen.whole else _("Nothing was selected."), "warning")


def tell(outcome: Outcome, done: str, *, more: bool, undo: str = "") -> None:
    """Say what was done, with a button that takes it back, and fold the refusals.

    Args:
        done: the sentence for what was done.
        more: more match than are done at once.
        undo: the address that takes it back.
    """
    if outcome.done:
        message: Any = {"text": done, "undo": undo, "word": _("Undo")} if undo else done
        flash(message, "success")
    if outcome.refused:
        flash(_folded(outcome.refused), "warning")
    if outcome.left or more:
        flash(_("More are left than are done at once. Do it again for the rest."), "warning")


def _cut(line: Refusal) -> Refusal:
    if isinstance(line, dict):
        return {**line, "text": str(_cut(line["text"]))}
    return line if len(line) <= _LENGTH else f"{line[: _LENGTH - 1]}…"


def _folded(refused: list[Refusal]) -> dict[str, Any]:
    lines = [_cut(line) for line in refused[:_NAMED]]
    if len(refused) > _NAMED:
        rest = len(refused) - _NAMED
        lines.append(ngettext("And %(number)s more.", "And %(number)s more.", rest))
    return {
        "text": ngettext("%(number)s was refused.", "%(number)s were refused.", len(refused)),
        "lines": lines,
    }
