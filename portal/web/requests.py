"""My requests: what a person has started, how far each is, who has it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask import Blueprint, current_app, request

from portal import queries
from portal.engine import lifecycle
from portal.errors import TransitionNotAllowed
from portal.language import lazy_gettext as _
from portal.models import db

from . import navigation
from .accounts.sign_in import require_login
from .catalogue import Unfinished, unfinished
from .display.milestones import Milestone, Whereabouts, line, now_at, whereabouts
from .layout import me
from .navigation import Entry
from .rendering import render_template

blueprint = Blueprint("requests", __name__)
blueprint.before_request(require_login)
navigation.register(Entry("mine", _("My requests"), "person-lines-fill", "portal.requests.index", 40))

#: how many finished requests stand below those in progress
_RECENT = 3


class Request(NamedTuple):
    """A row of the list."""

    process: Any
    milestones: list[Milestone]
    now_at: str
    at: Whereabouts
    may_withdraw: bool


@blueprint.get("/requests")
def index() -> str:
    session, user = db.session(), me()
    show = request.args.get("show", "")
    after = request.args.get("after", "").replace("\0", "")
    drafts: list[Unfinished] = unfinished(user)
    rows: list[Request] = []
    if show == "drafts":
        page = queries.Page([])
    elif show == "finished":
        page = queries.requests(session, user, finished=True, after=after)
    else:
        show = ""
        page = queries.requests(session, user, finished=False, after=after)
        rows = _rows(page)
    recent: Iterable[Any] = () if show else queries.requests(session, user, finished=True, size=_RECENT)
    return render_template(
        "portal/requests.html", show=show, page=page, rows=rows, recent=recent, drafts=drafts
    )


def _rows(page: queries.Page) -> list[Request]:
    session, user = db.session(), me()
    steps = queries.requested_steps(session, page.rows)
    trouble = queries.attention(session, page.rows)
    found = []
    for process in page:
        here, is_delayed = steps.get(process.id, []), process.id in trouble
        found.append(
            Request(
                process,
                line(process, here, is_delayed),
                now_at(process, here),
                whereabouts(process, here, is_delayed, user.id),
                _may_withdraw(process),
            )
        )
    return found


def _may_withdraw(process: Any) -> bool:
    try:
        lifecycle.check_process("withdraw", process)
    except TransitionNotAllowed:
        return False
    except Exception:  # the flow's own rule
        current_app.logger.exception("process %s: whether one may withdraw it cannot be told", process.id)
        return False
    return True
