"""The next task of a person: from the queue, taken so that nobody else gets it; or from the list where they were."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import actions
from portal.errors import PortalError, TransientError
from portal.language import gettext as _
from portal.models import Process, Task, User, db
from portal.queries import Filters

from ..accounts.sign_in import require_login
from ..filtering import filters_of_request
from ..layout import me, preferences
from ..messages import flash
from ..selection import list_filters
from ..urls import carry, see_other, way_back

blueprint = Blueprint("next_task", __name__)
blueprint.before_request(require_login)

#: so many rows of the queue are tried before one gives up, a page at a time
_PAGES, _ROWS = 10, 20
#: tries for one task while the database is busy
_TRIES = 6
#: which task comes after one: of the same process, of the same step, or of the list
ORDERS = ("case", "step", "list")


def helpers() -> dict[str, Any]:
    return {
        "take_next_address": partial(_with_filters, "portal.next_task.take"),
        "snoozed_tasks": lambda: queries.snoozed(db.session(), me()),
        "order_preference": lambda: preferences().get("order", "case"),
    }


def _with_filters(endpoint: str, **values: Any) -> str:
    """An address with the filters of the list on this page."""
    query = request.query_string.decode("ascii", "replace")
    return f"{url_for(endpoint, **values)}?{query}" if query else url_for(endpoint, **values)


@blueprint.post("/queue/next")
def take() -> BaseResponse:
    back = way_back(url_for("portal.lists.queue"))
    task_id = take_next(db.session(), me().id, list_filters())
    if task_id is None:
        flash(_("There is nothing to take in the queue."), "warning")
        return see_other(back)
    address = url_for("portal.tasks.execute", task_id=task_id)
    return see_other(carry(address) if way_back() else f"{address}?next={back}")


def take_next(session: Session, user_id: int, filters: Filters = queries.EVERYTHING) -> int | None:
    """Take the first task of a person's queue that nobody else gets. Its id; None if there is none.

    Who comes at the same moment passes over what another one is just taking, and does not wait for it.

    Args:
        filters: what the queue is narrowed to, and its order.
    """
    after = ""
    for _page in range(_PAGES):
        user = session.get_one(User, user_id)
        page = queries.queue(session, user, replace(filters, after=after), _ROWS)
        ids = [task.id for task in page]
        for task_id in _idle_first(session, ids):
            if take_one(session, task_id, user_id):
                return task_id
        if not page.after:
            return None
        after = page.after
    return None


def take_one(session: Session, task_id: int, user_id: int) -> bool:
    """Take a task, unless somebody else has it or it is not for this person."""
    for attempt in range(_TRIES):
        try:
            with actions.activation(session, task_id, user_id) as activation:
                activation.assign()
            return True
        except TransientError:
            time.sleep(random.uniform(0.01, 0.05) * 2**attempt)
        except (PortalError, LookupError):
            break
    session.rollback()
    return False


def _idle_first(session: Session, ids: list[int]) -> list[int]:
    """Those in whose process nobody is acting just now, then the others. Whether it is so is not held on to."""
    if not ids or session.get_bind().dialect.name != "postgresql":
        session.rollback()
        return ids
    root = aliased(Process)
    query = (
        select(Task.id).join(Task.process).join(root, root.id == func.coalesce(Process.root_id, Process.id))
    )
    query = query.where(Task.id.in_(ids)).with_for_update(of=root, skip_locked=True)
    idle = set(session.scalars(query))
    session.rollback()
    return sorted(ids, key=lambda task_id: (task_id not in idle, ids.index(task_id)))


def following(process_id: int, step: tuple[str, str], order: str, asks: bool) -> int | None:
    """The id of the task with which a person goes on after one; it is theirs, or is taken.

    Args:
        process_id: the process of the one that is finished.
        step: its flow's label and its node's name.
        order: one of `ORDERS`: what comes first.
        asks: go on with the inbox where neither the process nor the list that they come from has one.
    """
    ways = {"case": lambda: _of_process(process_id), "step": lambda: _of_step(*step), "list": _of_list}
    for name in sorted(ORDERS, key=lambda each: each != order):
        if name == "step" and order != "step":
            continue
        if (found := ways[name]()) is not None:
            return found
    if not asks:
        return None
    mine = queries.next_in_inbox(db.session(), me())
    return None if mine is None else mine.id


def _of_process(process_id: int) -> int | None:
    session, user_id = db.session(), me().id
    task = queries.next_in_process(session, me(), process_id)
    return None if task is None else _mine(task.id, task.status, user_id)


def _of_step(label: str, node: str) -> int | None:
    user_id = me().id
    for task_id, status in queries.next_at_step(db.session(), me(), label, node):
        if (found := _mine(task_id, status, user_id)) is not None:
            return found
    return None


def _mine(task_id: int, status: str, user_id: int) -> int | None:
    return task_id if status == "ASSIGNED" or take_one(db.session(), task_id, user_id) else None


def _of_list() -> int | None:
    """The next one of the inbox or the queue that the person comes from, with its filters."""
    parts = urlsplit(way_back())
    values: Any = MultiDict(parse_qsl(parts.query, keep_blank_values=True))
    filters = replace(filters_of_request(values), after="")
    if parts.path == url_for("portal.lists.queue"):
        return take_next(db.session(), me().id, filters)
    if parts.path == url_for("portal.lists.inbox"):
        rows = queries.inbox(db.session(), me(), filters, _ROWS).rows
        return next((row.id for row in rows if not row.process.on_hold), None)
    return None
