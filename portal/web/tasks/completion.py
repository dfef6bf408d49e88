"""After a task is finished: the line that says what comes next, and where the person goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, flash, request, url_for

from portal import queries, summaries, trace
from portal.engine import actions
from portal.engine.retries import give_up
from portal.errors import PortalError
from portal.flow import registry
from portal.flow.activation import Activation
from portal.models import Process, db

from ..display.values import list_words
from ..layout import me, preferences
from ..urls import carry, inbox, see_other, way_back


@dataclass(frozen=True)
class Finished:
    """What was done, as it was known under the lock: behind the commit it would have to be read again."""

    task_id: int
    process_id: int
    title: str
    #: how the person wants the portal to be
    preferences: Mapping[str, Any]

    @classmethod
    def of(cls, activation: Activation) -> Finished:
        task, process = activation.task, activation.process
        return cls(task.id, process.id, task.title, preferences())


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
        flash(f"“{done.title}” is done. What comes next cannot be shown now.", "success")
        return response


def _onward(done: Finished, response: Response) -> Response:
    """`_continue` goes on to the next task of this process, taking it; without it the person goes where the view
    sent them, or on to their next task if that is what they prefer. A form that asks each time (`_asks_next`) has
    their answer, which is remembered."""
    now = queries.standing(db.session(), done.process_id)
    flow_class = registry.get(now.flow_label)
    told = {
        "text": what_comes_next(done, now),
        "to": url_for("portal.processes.detail", process_id=done.process_id),
        "name": f"#{done.process_id} {flow_class.definition.title if flow_class else now.flow_label}",
    }
    flash(told, "success")  # type: ignore[arg-type]
    asks, wanted = "_asks_next" in request.form, "_continue" in request.form
    if asks:
        _remember(done, "next" if wanted else "list")
    if wanted:
        onward = _next_of_process(done.process_id) or (_next_of_mine() if asks else None)
    elif not asks and done.preferences.get("after") == "next" and response.location == inbox():
        onward = _next_of_process(done.process_id) or _next_of_mine()
    else:
        onward = None
    if onward is not None:
        return see_other(carry(url_for("portal.tasks.execute", task_id=onward)))  # type: ignore[return-value]
    if response.location == inbox() and (back := way_back()):
        return see_other(back)  # type: ignore[return-value]
    return response


def _remember(done: Finished, after: str) -> None:
    """Keep where this person wants to go after a task."""
    if done.preferences.get("after", "list") != after:
        me().preferences = {**done.preferences, "after": after}
        db.session.commit()


def what_comes_next(done: Finished, now: queries.Standing) -> str:
    """What happened, and where the process stands now."""
    happened = f"“{done.title}” is done."
    flow_class = registry.get(now.flow_label)
    if now.status == "DONE":
        says = flow_class is not None and flow_class.process_result_template
        result = summaries.of_process(db.session.get_one(Process, done.process_id)) if says else ""
        return f"{happened} The process is finished{': ' + result if result else ''}."
    if now.status in ("FAILED", "CANCELED"):
        return f"{happened} The process has ended."
    steps = []
    for place in now.positions[:3]:
        node = flow_class.definition.nodes.get(place.flow_task) if flow_class else None
        title = node.title if node is not None else place.flow_task
        if place.status == "ERROR":
            steps.append(f"{title}, which failed and waits for a manager")
        else:
            steps.append(f"{title} ({place.owner})" if place.owner else title)
    return f"{happened} Next: {list_words(steps)}." if steps else happened


def _next_of_process(process_id: int) -> int | None:
    """The next task here that is this person's, or that they may take; it is taken."""
    session = db.session()
    task = queries.next_in_process(session, me(), process_id)
    if task is None:
        return None
    task_id = task.id
    if task.status == "NEW":
        try:
            with actions.activation(session, task_id, me()) as activation:
                activation.assign(me())
        except PortalError:  # somebody was faster
            return None
    return task_id


def _next_of_mine() -> int | None:
    task = queries.next_in_inbox(db.session(), me())
    return None if task is None else task.id
