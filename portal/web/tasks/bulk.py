"""One action on many tasks: those that can be done are done, and a line tells each refusal."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import queries, summaries
from portal.engine import actions, permissions
from portal.engine.lifecycle import demand
from portal.errors import PortalError
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Task, User, db

from ..accounts.sign_in import require_login
from ..display.actions import ACTIONS, heading
from ..layout import me
from ..reasons import reason_of_request
from ..rendering import render_template
from ..selection import (
    Selection,
    each,
    leave_to_workers,
    list_filters,
    selection,
    tell,
    tell_nothing,
    with_filters,
)
from ..urls import see_other, to_id, way_back
from . import undoing
from .actions import find_user, unfit
from .given import METHODS, NAMES, Unfit, given, snoozes

blueprint = Blueprint("bulk", __name__)
blueprint.before_request(require_login)

#: the lists whose rows one can act on, and the one that is meant where none is named
LISTS = ("inbox", "queue", "archive", "tasks")
_DEFAULT = {"assign": "queue", "undo": "archive"}


@blueprint.post("/tasks/<any(assign,unassign,reassign,cancel,undo,revive,skip,due,priority,snooze):action>")
def act(action: str) -> BaseResponse | str | tuple[str, int]:
    listed = request.form.get("list", "")
    if listed not in LISTS:
        listed = _DEFAULT.get(action, "inbox")
    chosen = selection("task", listed)
    back = way_back(url_for("portal.lists.queue" if action == "assign" else "portal.lists.inbox"))
    if not chosen.wanted:
        tell_nothing(chosen, _("No task matches."))
        return see_other(back)
    if "_ask" in request.form:
        return _ask(action, listed, chosen, back)
    reason, fault = reason_of_request()
    arguments: tuple[Any, ...] = ()
    try:
        arguments = (person_of_request(action),) if action.endswith("assign") else given(action)
    except Unfit as unfit_:
        fault = str(unfit_)
    if fault:
        return _ask(action, listed, chosen, back, fault), 422
    changes: list[undoing.Change] = []
    if chosen.whole and chosen.more:
        total = queries.how_many(db.session(), me(), listed, list_filters())
        return leave_to_workers(action, "task", listed, total, reason, next(iter(arguments), None))
    outcome = each(chosen.wanted, lambda text: one(action, text, arguments, reason, changes))
    undo = undoing.keep(action, changes)
    address = url_for("portal.undoing.undo", undo_id=undo) if undo is not None else ""
    tell(outcome, _words(action, outcome.done), more=chosen.more or bool(outcome.left), undo=address)
    return see_other(back)


def person_of_request(action: str) -> int | None:
    """The id of who is to get the tasks; of nobody where they are given back.

    Raises:
        Unfit: there is no such person, or none is named.
    """
    username = request.form.get("user", "").strip()
    if action == "unassign":
        return None
    if not username:
        if action == "reassign":
            raise Unfit(_("Choose a person."))
        return me().id
    found = find_user(username)
    if found is None:
        raise Unfit(_("There is no user “%(name)s”.", name=username))
    return found.id


def one(
    action: str, text: str, arguments: tuple[Any, ...], reason: str, changes: list[undoing.Change]
) -> str | None:
    """Do it with one task in a transaction of its own. The line that says why not.

    Args:
        text: the task's id as it was sent.
        arguments: what the action is given; for assign and reassign the id of a person.
        changes: where what can be put back is noted.
    """
    number = to_id(text)
    found = queries.chosen(db.session(), [number]) if number is not None else []
    if not found or not permissions.may_see_task(db.session(), me(), found[0]):
        return _("Refused: %(what)s", what=_("%(number)s: there is no such task", number=text[:20]))
    title = f"#{found[0].process_id} {found[0].title}"
    try:
        _do(action, found[0], arguments, reason, changes)
    except PortalError as error:
        db.session.rollback()
        return _("Refused: %(what)s", what=f"{title}: {error}")
    return None


def _do(
    action: str, task: Task, arguments: tuple[Any, ...], reason: str, changes: list[undoing.Change]
) -> None:
    if action == "reassign" and task.status == "NEW":
        action = "assign"  # to whoever is chosen
    demand(action, task, me())
    if action in ("assign", "reassign"):
        person = db.session.get_one(User, arguments[0])
        if not permissions.may_take(db.session(), person, task):
            raise PortalError(unfit(person, task))
    if action == "unassign":
        arguments = ()
    with actions.activation(db.session(), task.id, me()) as activation:
        before = undoing.state_of(action, activation.task)
        getattr(activation, METHODS.get(action, action))(*arguments, reason=reason)
        change = activation.task.id, before, undoing.state_of(action, activation.task)
    changes.append(change)


def _words(action: str, number: int) -> str:
    changed = ngettext("%(number)s task changed.", "%(number)s tasks changed.", number)
    return {
        "assign": ngettext("%(number)s task taken.", "%(number)s tasks taken.", number),
        "unassign": ngettext("%(number)s task given back.", "%(number)s tasks given back.", number),
        "reassign": ngettext("%(number)s task assigned.", "%(number)s tasks assigned.", number),
        "cancel": ngettext("%(number)s task cancelled.", "%(number)s tasks cancelled.", number),
        "undo": ngettext("%(number)s task undone.", "%(number)s tasks undone.", number),
        "revive": ngettext(
            "%(number)s task retried or reopened.", "%(number)s tasks retried or reopened.", number
        ),
        "skip": ngettext("%(number)s task skipped.", "%(number)s tasks skipped.", number),
        "snooze": ngettext("%(number)s task snoozed.", "%(number)s tasks snoozed.", number),
    }.get(action, changed)


def _ask(action: str, listed: str, chosen: Selection, back: str, fault: str = "") -> str:
    ids = [number for text in chosen.wanted if (number := to_id(text)) is not None]
    tasks = [
        task
        for task in queries.chosen(db.session(), ids[:50] if chosen.whole else ids)
        if permissions.may_see_task(db.session(), me(), task)
    ]
    total = len(chosen.wanted)
    if chosen.whole and chosen.more:
        total = queries.how_many(db.session(), me(), listed, list_filters())
    people = queries.who_could(db.session(), tasks[0], limit=50) if tasks and action == "reassign" else []
    needs = NAMES.get(action, "user" if action in ("assign", "reassign") else "")
    return render_template(
        "portal/bulk_tasks.html",
        heading=heading(ACTIONS[action], ngettext("%(number)s task", "%(number)s tasks", total)),
        rows=[(each.id, f"#{each.process_id} {each.title}: {summaries.of_task(each)}") for each in tasks],
        sends="task",
        own=("user", needs),
        action=action,
        asked=ACTIONS[action],
        chosen=chosen,
        total=total,
        needs=needs,
        fault=fault,
        back=back,
        people=people,
        snoozes=snoozes(),
        address=with_filters(url_for("portal.bulk.act", action=action)),
    )
