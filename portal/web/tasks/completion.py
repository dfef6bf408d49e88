"""After a task is finished: the line that says what comes next, and where the person goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload, lazyload

from portal import queries, summaries, trace
from portal.engine.retries import give_up
from portal.flow import registry
from portal.flow.activation import Activation
from portal.language import gettext as _
from portal.models import Process, Task, User, db

from ..display.moments import day
from ..display.steps import flow_title
from ..display.values import list_words
from ..layout import me, now, preferences
from ..messages import flash
from ..urls import carry, inbox, see_other, way_back
from ..writing import writing
from .given import my_zone
from .next_task import ORDERS, following

#: so many people who could do a step are a crowd, of whom none is named
_CROWD = 4


@dataclass(frozen=True)
class Finished:
    """What was done, as it was known under the lock: behind the commit it would have to be read again."""

    task_id: int
    process_id: int
    title: str
    flow_task: str
    #: whether it started the process
    starts: bool
    #: how the person wants the portal to be
    preferences: Mapping[str, Any]
    #: where the process stands, where the action knows that
    standing: queries.Standing | None

    @classmethod
    def of(cls, activation: Activation) -> Finished:
        task, process = activation.task, activation.process
        starts = task.node is not None and task.node.starts
        standing = queries.standing_after(db.session(), process)
        return cls(task.id, process.id, task.title, task.flow_task, starts, preferences(), standing)


def finished(done: Finished, response: Response) -> Response:
    """The answer to a form that was accepted.

    What is done is committed: whatever fails from here on is logged, and the person is told what is done.

    Args:
        response: what the view has answered.
    """
    try:
        return _onward(done, response)
    except Exception as error:
        give_up(db.session())
        reference = trace.current.get()
        current_app.logger.error("reference %s: task %s is done, but its next page failed", reference, done.task_id,
                                 exc_info=error)  # fmt: skip
        flash(_("“%(title)s” is done. What comes next cannot be shown now.", title=done.title), "success")
        return response


def _onward(done: Finished, response: Response) -> Response:
    """`_continue` goes on to the next task, taking it: of this process, of this step, or of the list that the person
    comes from, as `_order` says. Without it the person goes where the view sent them, or on to their next task if that
    is what they prefer. A form that asks each time (`_asks_next`) has their answer, which is remembered. Who has sent a
    request goes to its page, which says who decides."""
    now = done.standing or queries.standing(db.session(), done.process_id)
    address = url_for("portal.processes.detail", process_id=done.process_id)
    name = f"#{done.process_id} {flow_title(now.flow_label)}"
    flash({"text": what_comes_next(done, now), "to": address, "name": name}, "success")
    asks, wanted = "_asks_next" in request.form, "_continue" in request.form
    order = request.form.get("_order", "")
    chosen = {"after": "next" if wanted else "list"} if asks else {}
    chosen |= {"order": order} if order in ORDERS else {}
    _remember(done, chosen)
    preferred = {**done.preferences, **chosen}
    prefers = not asks and preferred.get("after") == "next" and response.location == inbox()
    if wanted or (prefers and not done.starts):
        step = (now.flow_label, done.flow_task)
        onward = following(done.process_id, step, preferred.get("order", "case"), asks or not wanted)
        if onward is not None:
            return see_other(carry(url_for("portal.tasks.execute", task_id=onward)))  # type: ignore[return-value]
    if response.location != inbox():
        return response
    if done.starts:
        return see_other(address)  # type: ignore[return-value]
    if back := way_back():
        return see_other(back)  # type: ignore[return-value]
    return response


def _remember(done: Finished, chosen: Mapping[str, str]) -> None:
    """Keep how this person wants to go on after a task."""
    if all(done.preferences.get(name) == value for name, value in chosen.items()):
        return
    user_id = me().id
    with writing() as session:
        user = session.get_one(User, user_id, populate_existing=True)
        user.preferences = {**(user.preferences or {}), **chosen}


def what_comes_next(done: Finished, now: queries.Standing) -> str:
    """What happened, and where the process stands now; to who has sent a request also who decides by when."""
    happened = _("“%(title)s” is done.", title=done.title)
    flow_class = registry.get(now.flow_label)
    if now.status == "DONE":
        says = flow_class is not None and flow_class.process_result_template
        result = summaries.of_process(db.session.get_one(Process, done.process_id)) if says else ""
        finished = (
            _("The process is finished: %(result)s.", result=result)
            if result
            else _("The process is finished.")
        )
        return f"{happened} {finished}"
    if now.status in ("FAILED", "CANCELED"):
        ended = _("The process has ended.")
        return f"{happened} {ended}"
    starts = done.starts
    steps, people = [], []
    for place in now.positions[:3]:
        node = flow_class.definition.nodes.get(place.flow_task) if flow_class else None
        title = node.title if node is not None else place.flow_task
        if place.status == "ERROR" and starts:
            steps.append(_("%(step)s, which is delayed", step=title))
        elif place.status == "ERROR":
            steps.append(_("%(step)s, which failed and waits for a manager", step=title))
        elif starts:
            steps.append(title)
            people += _who_by_when(done.process_id, now, place, node)
        else:
            steps.append(f"{title} ({place.owner})" if place.owner else title)
    return " ".join([happened, *([_("Next: %(steps)s.", steps=list_words(steps))] if steps else []), *people])


def _who_by_when(process_id: int, standing: queries.Standing, place: Any, node: Any) -> list[str]:
    """Who does the open step of a person, or could, and by when."""
    if node is None or not node.human:
        return []
    names = [place.owner] if place.owner else _candidates(process_id, standing, node)
    # a month may be shortened by a dot, which the sentence has too
    due = None if place.due is None else day(place.due, now(), my_zone()).removesuffix(".")
    who, decides = list_words(names, _("or")), getattr(node.view, "decision", None) is not None
    if names and due:
        said = _("%(names)s decides by %(day)s.") if decides else _("%(names)s does it by %(day)s.")
        return [said % {"names": who, "day": due}]
    if names:
        return [(_("%(names)s decides.") if decides else _("%(names)s does it.")) % {"names": who}]
    return [_("It is due %(day)s.", day=due)] if due else []


def _candidates(process_id: int, standing: queries.Standing, node: Any) -> list[str]:
    """Who could take the open task of a step, where that is no crowd."""
    permission, obj = standing.asks.get(node.name, (None, None))
    if permission is not None:
        others = tuple(each.name for each in node.not_same_as)
        names = queries.names_of_who_could(db.session(), process_id, permission, obj, others, _CROWD)
    else:
        names = _who_could(process_id, node.name)
    return names if len(names) < _CROWD else []


def _who_could(process_id: int, step: str) -> list[str]:
    """The same of a step without a permission, or with several tasks."""
    query = select(Task).where(Task.process_id == process_id, Task.flow_task == step, Task.status == "NEW")
    query = query.options(joinedload(Task.process).lazyload(Process.created_by), lazyload(Task.owner))
    task = db.session.scalars(query.limit(1)).unique().first()
    return [] if task is None else [person.name for person in queries.who_could(db.session(), task, _CROWD)]
