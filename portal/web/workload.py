"""Workload: people by steps, for managers; and the open work of one person given to others."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.errors import PermissionDenied
from portal.flow import registry
from portal.language import gettext as _
from portal.language import lazy_gettext, ngettext
from portal.models import Task, User, db
from portal.queries import workload as loads
from portal.queries.workload import Step

from . import navigation
from .accounts.sign_in import require_login
from .csv_files import as_csv, note_export
from .display.steps import step_words
from .layout import me, now
from .messages import flash
from .navigation import Entry
from .rendering import render_template
from .selection import MOST, each, tell
from .tasks import bulk, undoing
from .tasks.actions import find_user
from .urls import asked, narrowed, see_other

blueprint = Blueprint("workload", __name__)
blueprint.before_request(require_login)
navigation.register(
    Entry(
        "workload", lazy_gettext("Workload"), "people", "portal.workload.index", 70,
        shown=lambda user: bool(loads.managed(user)),
    ),
)  # fmt: skip

#: so many steps have a column; the rest is one more
_COLUMNS = 6
#: so many people are offered for a step
_OFFERED = 30
#: what a select says for the queue
_QUEUE = "*"


@dataclass(frozen=True)
class Wanted:
    """What the page is narrowed to; it stands in its address."""

    role: str = ""
    flow: str = ""
    late: bool = False

    def address(self, **changes: Any) -> str:
        values = {"role": self.role, "flow": self.flow, "late": "1" if self.late else ""} | changes
        return narrowed("portal.workload.index", **values)


@blueprint.get("/workload")
def index() -> str | Response:
    labels = _labels()
    wanted = Wanted(asked("role"), asked("flow"), asked("late") == "1")
    narrowed = [label for label in labels if wanted.flow in ("", label)]
    found = loads.workload(db.session(), narrowed, now(), role=wanted.role, late=wanted.late)
    if request.args.get("format") == "csv":
        note_export("workload")
        head = [_("Person"), *map(step_title, found.steps), _("Total"), _("Overdue")]
        return as_csv("workload", head, _rows(found))
    return render_template(
        "portal/workload.html",
        load=found,
        columns=found.steps if len(found.steps) <= _COLUMNS else found.steps[: _COLUMNS - 1],
        others=[] if len(found.steps) <= _COLUMNS else found.steps[_COLUMNS - 1 :],
        wanted=wanted,
        roles=loads.roles(db.session()),
        flows=[(label, registry[label].definition.title) for label in labels],
        title=step_title,
        tasks=address_of_tasks,
    )


def _labels() -> list[str]:
    labels = loads.managed(me())
    if not labels:
        raise PermissionDenied(_("Only people who manage a flow see who has how much to do."))
    return labels


def step_title(step: Step) -> str:
    return step_words(*step)


def address_of_tasks(person: User | None = None, step: Step | None = None, *, late: bool = False) -> str:
    """The list of these open tasks."""
    values = {} if person is None else {"person": person.username}
    if person is None:
        values["state"] = "new"
    if step is not None:
        values |= {"flow": step[0], "step": step[1]}
    if late:
        values["due"] = "late"
    return f"{url_for('portal.home')}tasks?{urlencode(values)}"


def _rows(found: loads.Workload) -> Iterator[list[Any]]:
    for row in found.rows:
        name = row.person.name if row.person is not None else _("In the queue")
        yield [name, *(row.counts[step] for step in found.steps), row.total, row.late.total()]


# -- giving the work of one person to others ---------------------------------------------------------------------


@dataclass
class Part:
    """The tasks of one step that a person gives away."""

    step: Step
    tasks: list[Task] = field(default_factory=list)
    #: who could do them, the least busy first
    people: list[User] = field(default_factory=list)
    #: the user name that is proposed, or was chosen; `*` is the queue
    to: str = ""

    def late(self, now: dt.datetime) -> int:
        return sum(task.due is not None and task.due < now for task in self.tasks)

    @property
    def name(self) -> str:
        return f"to-{self.step[0]}.{self.step[1]}"

    @property
    def apart_from(self) -> list[str]:
        """The titles of the steps whose people may not do this one."""
        node = self.tasks[0].node
        return (
            [step_title((self.step[0], each.name)) for each in node.not_same_as] if node is not None else []
        )


@blueprint.route("/workload/redistribute", methods=["GET", "POST"])
def redistribute() -> BaseResponse | str | tuple[str, int]:
    labels = _labels()
    person = find_user(request.values.get("person", "").replace("\0", ""))
    if person is None:
        abort(404, _("There is no such person."))
    tasks = loads.tasks_of(db.session(), person, labels, MOST)
    parts, busy = _parts(person, tasks)
    if request.method != "POST":
        return _ask(person, parts, busy)
    wanted = {str(task.id): to for part in parts for task in part.tasks if (to := _chosen(part)) != ""}
    ids = {name: _person_id(name) for name in set(wanted.values())}
    if unknown := [name for name, found in ids.items() if found is None and name != _QUEUE]:
        return _ask(person, parts, busy, _("There is no user “%(name)s”.", name=unknown[0])), 422
    back = url_for("portal.workload.index")
    if not wanted:
        flash(_("Nothing was selected."), "warning")
        return see_other(back)
    _give_away(person.name, wanted, ids)
    return see_other(back)


def _chosen(part: Part) -> str:
    return _QUEUE if "_queue" in request.form else request.form.get(part.name, "").strip()


def _person_id(name: str) -> int | None:
    found = find_user(name) if name != _QUEUE else None
    return None if found is None else found.id


def _give_away(name: str, wanted: dict[str, str], ids: dict[str, int | None]) -> None:
    reason = request.form.get("reason", "").strip()[:500] or _("Work of %(name)s given to others", name=name)
    assigned: list[undoing.Change] = []
    back: list[undoing.Change] = []

    def give(text: str) -> str | None:
        to = wanted[text]
        if to == _QUEUE:
            return bulk.one("unassign", text, (None,), reason, back)
        return bulk.one("reassign", text, (ids[to],), reason, assigned)

    outcome = each(list(wanted), give)
    # Both kinds are put back by giving them to who had them, from the queue too.
    kept = undoing.keep("reassign", [*assigned, *back])
    undo = url_for("portal.undoing.undo", undo_id=kept) if kept is not None else ""
    done = ngettext("%(number)s task of %(name)s given away.", "%(number)s tasks of %(name)s given away.",
                    outcome.done, name=name)  # fmt: skip
    tell(outcome, done, more=len(wanted) == MOST, undo=undo)


def _parts(person: User, tasks: list[Task]) -> tuple[list[Part], dict[str, int]]:
    """The tasks by step, each with a proposal: who may do it and has the least to do, counting what they get here."""
    grouped: dict[Step, Part] = {}
    for task in tasks:
        step = task.process.flow_label, task.flow_task
        grouped.setdefault(step, Part(step)).tasks.append(task)
    parts = sorted(grouped.values(), key=lambda part: -len(part.tasks))
    people: dict[int, User] = {}
    for part in parts:
        could = queries.who_could(db.session(), part.tasks[0], _OFFERED)
        part.people = [each for each in could if each.id != person.id]
        people |= {each.id: each for each in part.people}
    counts = defaultdict(int, loads.open_counts(db.session(), list(people.values())))
    for part in parts:
        number = len(part.tasks)
        part.people.sort(
            key=lambda each: (_is_full(each, counts[each.id] + number), counts[each.id], each.name)
        )
        part.to = part.people[0].username if part.people else _QUEUE
        if part.people:
            counts[part.people[0].id] += len(part.tasks)
    proposed = {part.to for part in parts}
    return parts, {
        _with_capacity(each): counts[each.id] for each in people.values() if each.username in proposed
    }


def _is_full(person: User, count: int) -> bool:
    return person.capacity is not None and count > person.capacity


def _with_capacity(person: User) -> str:
    """A name for the line that says how much people have afterwards."""
    if person.capacity is None:
        return person.name
    return _("%(name)s (at most %(number)s)", name=person.name, number=person.capacity)


def _ask(person: User, parts: list[Part], busy: dict[str, int], fault: str = "") -> str:
    if request.method == "POST":
        for part in parts:
            part.to = _chosen(part)
    return render_template(
        "portal/redistribute.html",
        person=person,
        parts=parts,
        number=sum(len(part.tasks) for part in parts),
        afterwards=busy,
        fault=fault,
        title=step_title,
        queue=_QUEUE,
    )
