"""After a task is finished: the line that says what comes next, and where the person goes."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, flash, request, url_for
from sqlalchemy import select

from portal import queries, summaries, trace
from portal.engine.retries import give_up
from portal.language import gettext as _
from portal.models import Task, User, db

from ..display.moments import day
from ..display.values import list_words
from ..layout import me, now, preferences
from ..urls import carry, inbox, see_other, way_back
from ..writing import writing
from .given import my_zone
from .next_task import ORDERS, following

#: so many people who could do a step are a crowd, of whom none is named
_CROWD = 4


def finished(task_id: int, title: str, response: Response) -> Response:
    """The answer to a form that was accepted.

    What is done is committed: whatever fails from here on is logged, and the person is told what is done.

    Args:
        title: of the task.
        response: what the view has answered.
    """
    try:
        return _onward(task_id, response)
    except Exception as error:
        give_up(db.session())
        reference = trace.current.get()
        current_app.logger.error("reference %s: task %s is done, but its next page failed", reference, task_id,
                                 exc_info=error)  # fmt: skip
        flash(f"“{title}” is done. What comes next cannot be shown now.", "success")
        return response


def _onward(task_id: int, response: Response) -> Response:
    """`_continue` goes on to the next task, taking it: of this process, of this step, or of the list that the person
    comes from, as `_order` says. Without it the person goes where the view sent them, or on to their next task if that
    is what they prefer. A form that asks each time (`_asks_next`) has their answer, which is remembered. Who has sent a
    request goes to its page, which says who decides."""
    task = db.session.get_one(Task, task_id)
    process, starts = task.process, task.node is not None and task.node.starts
    title = process.flow_class.definition.title if process.flow_class else process.flow_label
    address = url_for("portal.processes.detail", process_id=process.id)
    told = {"text": what_comes_next(task), "to": address, "name": f"#{process.id} {title}"}
    flash(told, "success")  # type: ignore[arg-type]
    asks, wanted = "_asks_next" in request.form, "_continue" in request.form
    if asks:
        _remember("after", "next" if wanted else "list")
    if (order := request.form.get("_order")) in ORDERS:
        _remember("order", order)
    prefers = not asks and preferences().get("after") == "next" and response.location == inbox()
    if wanted or (prefers and not starts):
        onward = following(task, preferences().get("order", "case"), asks or not wanted)
        if onward is not None:
            return see_other(carry(url_for("portal.tasks.execute", task_id=onward)))  # type: ignore[return-value]
    if response.location != inbox():
        return response
    if starts:
        return see_other(address)  # type: ignore[return-value]
    if back := way_back():
        return see_other(back)  # type: ignore[return-value]
    return response


def _remember(name: str, value: str) -> None:
    """Keep how this person wants to go on after a task."""
    if preferences().get(name) == value:
        return
    user_id = me().id
    with writing() as session:
        user = session.get_one(User, user_id, populate_existing=True)
        user.preferences = {**(user.preferences or {}), name: value}


def what_comes_next(task: Task) -> str:
    """What happened, and where the process stands now; to who has sent a request also who decides by when."""
    process = task.process
    starts = task.node is not None and task.node.starts
    done = f"“{task.title}” is done."
    if process.status == "DONE":
        result = summaries.of_process(process)
        return f"{done} The process is finished{': ' + result if result else ''}."
    if process.status in ("FAILED", "CANCELED"):
        return f"{done} The process has ended."
    flow_class = process.flow_class
    steps, people = [], []
    for place in queries.places(db.session(), [process.id])[process.id][:3]:
        node = flow_class.definition.nodes.get(place.flow_task) if flow_class else None
        title = node.title if node is not None else place.flow_task
        if place.status == "ERROR" and starts:
            steps.append(_("%(step)s, which is delayed", step=title))
        elif place.status == "ERROR":
            steps.append(f"{title}, which failed and waits for a manager")
        elif starts:
            steps.append(title)
            people += _who_by_when(process.id, place, node)
        else:
            steps.append(f"{title} ({place.owner})" if place.owner else title)
    return " ".join([done, *([f"Next: {list_words(steps)}."] if steps else []), *people])


def _who_by_when(process_id: int, place: Any, node: Any) -> list[str]:
    """Who does the open step of a person, or could, and by when."""
    if node is None or not node.human:
        return []
    names = [place.owner] if place.owner else _candidates(process_id, place.flow_task)
    due = None if place.due is None else day(place.due, now(), my_zone())
    if names and due:
        return [_("%(names)s decides by %(day)s.", names=list_words(names, _("or")), day=due)]
    if names:
        return [_("%(names)s decides.", names=list_words(names, _("or")))]
    return [_("It is due %(day)s.", day=due)] if due else []


def _candidates(process_id: int, node: str) -> list[str]:
    """Who could take the open task of a step, where that is no crowd."""
    query = select(Task).where(Task.process_id == process_id, Task.flow_task == node, Task.status == "NEW")
    task = db.session.scalars(query.limit(1)).unique().first()
    people = [] if task is None else queries.who_could(db.session(), task, _CROWD)
    return [person.name for person in people] if len(people) < _CROWD else []
