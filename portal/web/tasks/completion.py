"""After a task is finished: the line that says what comes next, and where the person goes."""

from __future__ import annotations

from flask import Response, current_app, request, url_for

from portal import queries, summaries, trace
from portal.engine import actions
from portal.engine.retries import give_up
from portal.errors import PortalError
from portal.models import Task, db

from ..display.values import list_words
from ..layout import me, preferences
from ..messages import flash
from ..urls import carry, inbox, see_other, way_back


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
    """`_continue` goes on to the next task of this process, taking it; without it the person goes where the view
    sent them, or on to their next task if that is what they prefer. A form that asks each time (`_asks_next`) has
    their answer, which is remembered."""
    task = db.session.get_one(Task, task_id)
    process = task.process
    title = process.flow_class.definition.title if process.flow_class else process.flow_label
    told = {
        "text": what_comes_next(task),
        "to": url_for("portal.processes.detail", process_id=process.id),
        "name": f"#{process.id} {title}",
    }
    flash(told, "success")
    asks, wanted = "_asks_next" in request.form, "_continue" in request.form
    if asks:
        _remember("next" if wanted else "list")
    if wanted:
        onward = _next_of_process(task.process_id) or (_next_of_mine() if asks else None)
    elif not asks and preferences().get("after") == "next" and response.location == inbox():
        onward = _next_of_process(task.process_id) or _next_of_mine()
    else:
        onward = None
    if onward is not None:
        return see_other(carry(url_for("portal.tasks.execute", task_id=onward)))  # type: ignore[return-value]
    if response.location == inbox() and (back := way_back()):
        return see_other(back)  # type: ignore[return-value]
    return response


def _remember(after: str) -> None:
    """Keep where this person wants to go after a task."""
    if preferences().get("after", "list") != after:
        me().preferences = {**preferences(), "after": after}
        db.session.commit()


def what_comes_next(task: Task) -> str:
    """What happened, and where the process stands now."""
    process = task.process
    done = f"“{task.title}” is done."
    if process.status == "DONE":
        result = summaries.of_process(process)
        return f"{done} The process is finished{': ' + result if result else ''}."
    if process.status in ("FAILED", "CANCELED"):
        return f"{done} The process has ended."
    flow_class = process.flow_class
    steps = []
    for place in queries.places(db.session(), [process.id])[process.id][:3]:
        node = flow_class.definition.nodes.get(place.flow_task) if flow_class else None
        title = node.title if node is not None else place.flow_task
        if place.status == "ERROR":
            steps.append(f"{title}, which failed and waits for a manager")
        else:
            steps.append(f"{title} ({place.owner})" if place.owner else title)
    return f"{done} Next: {list_words(steps)}." if steps else done


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
