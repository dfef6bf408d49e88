"""One action on many tasks: what may be done is done, and a line says what was refused."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import actions, permissions
from portal.errors import PortalError
from portal.models import Task, User, db

from ..accounts.sign_in import require_login
from ..layout import me
from ..messages import flash
from ..urls import see_other, to_id, way_back
from .actions import demand, find_user, unfit

blueprint = Blueprint("bulk", __name__)
blueprint.before_request(require_login)

#: more than a page of a list can hold is no person's choice
_MOST = 500
_DONE = {"assign": "taken", "unassign": "given back", "reassign": "assigned"}


@blueprint.post("/tasks/<any(assign,unassign,reassign):action>")
def act(action: str) -> BaseResponse | tuple[str, int]:
    wanted = list(dict.fromkeys(request.form.getlist("task")))[:_MOST]
    back = way_back(url_for("portal.lists.queue" if action == "assign" else "portal.lists.inbox"))
    username = request.form.get("user", "").strip()
    if not wanted:
        flash("Nothing was selected.", "warning")
        return see_other(back)
    person = find_user(username) if username else None
    if person is None and (username or action == "reassign"):
        fault = f"There is no user “{username}”." if username else "Choose a person."
        return _ask(action, wanted, username, fault, back), 422
    done, refused = _each(action, wanted, person)
    _tell(action, done, refused)
    return see_other(back)


def _each(action: str, wanted: list[str], person: User | None) -> tuple[int, list[str]]:
    """Do it with each task in a transaction of its own."""
    me_id = me().id
    person_id = person.id if person is not None else me_id
    done, refused = 0, []
    for text in wanted:
        number = to_id(text)
        found = queries.chosen(db.session(), [number]) if number is not None else []
        if not found or not permissions.may_see_task(db.session(), me(), found[0]):
            refused.append(f"{text[:20]}: there is no such task")
            continue
        title = f"#{found[0].process_id} {found[0].title}"
        try:
            _one(action, found[0], db.session.get_one(User, person_id))
        except PortalError as error:
            db.session.rollback()
            refused.append(f"{title}: {error}")
        else:
            done += 1
    return done, refused


def _one(action: str, task: Task, person: User) -> None:
    demand(action, task, me())
    if action != "unassign" and not permissions.may_take(db.session(), person, task):
        raise PortalError(unfit(person, task))
    person_id = person.id
    with actions.activation(db.session(), task.id, me()) as activation:
        if action == "unassign":
            activation.unassign()
        else:
            getattr(activation, action)(db.session.get_one(User, person_id))


def _tell(action: str, done: int, refused: list[str]) -> None:
    if done:
        flash(f"{done} {'task' if done == 1 else 'tasks'} {_DONE[action]}.", "success")
    for line in refused[:20]:
        flash(f"Refused: {line}", "warning")
    if len(refused) > 20:
        flash(f"And {len(refused) - 20} more were refused.", "warning")


def _ask(action: str, wanted: list[str], username: str, fault: str, back: str) -> str:
    ids = [number for text in wanted if (number := to_id(text)) is not None]
    tasks = [
        task
        for task in queries.chosen(db.session(), ids)
        if permissions.may_see_task(db.session(), me(), task)
    ]
    people = queries.who_could(db.session(), tasks[0], limit=50) if tasks else []
    return render_template(
        "portal/bulk.html",
        action=action,
        tasks=tasks,
        username=username,
        fault=fault,
        back=back,
        people=people,
    )
