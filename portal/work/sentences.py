"""The sentences of a mail: what happened, to what, why one gets it, and where it leads."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from portal import summaries
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import Comment, Process, Task, User

from .addresses import address
from .letters import moment, one_line

#: what a subject begins with, by the event and the state at that time
WORDS = {
    ("assigned", "ASSIGNED"): lazy_gettext("To do"),
    ("queue", "NEW"): lazy_gettext("New in the queue"),
    ("due", "NEW"): lazy_gettext("Due soon"),
    ("due", "ASSIGNED"): lazy_gettext("Due soon"),
    ("late", "NEW"): lazy_gettext("Late"),
    ("late", "ASSIGNED"): lazy_gettext("Late"),
    ("failed", "ERROR"): lazy_gettext("Failed"),
    ("failed", "FAILED"): lazy_gettext("Failed"),
    ("finished", "DONE"): lazy_gettext("Done"),
    ("finished", "CANCELED"): lazy_gettext("Cancelled"),
    ("comment", ""): lazy_gettext("Comment"),
    ("mention", ""): lazy_gettext("You were mentioned"),
}
#: the first sentence, by the same
LINES = {
    ("assigned", "ASSIGNED"): lazy_gettext("A task was assigned to you."),
    ("queue", "NEW"): lazy_gettext("A task that you may take is new in the queue."),
    ("due", "NEW"): lazy_gettext("A task is due soon, and nobody has taken it."),
    ("due", "ASSIGNED"): lazy_gettext("A task of yours is due soon."),
    ("late", "NEW"): lazy_gettext("A task is overdue, and nobody has taken it."),
    ("late", "ASSIGNED"): lazy_gettext("A task of yours is overdue."),
    ("failed", "ERROR"): lazy_gettext("A step has failed. It waits until somebody retries or cancels it."),
    ("failed", "FAILED"): lazy_gettext("Your request has failed."),
    ("finished", "DONE"): lazy_gettext("Your request is done."),
    ("finished", "CANCELED"): lazy_gettext("Your request was cancelled."),
    ("comment", ""): lazy_gettext("There is a new comment."),
    ("mention", ""): lazy_gettext("You were mentioned in a comment."),
}
#: the first sentence where somebody did it
LINES_BY = {
    ("assigned", "ASSIGNED"): lazy_gettext("{} has assigned a task to you."),
    ("finished", "DONE"): lazy_gettext("Your request is done. The last step was by {}."),
    ("finished", "CANCELED"): lazy_gettext("{} has cancelled your request."),
    ("comment", ""): lazy_gettext("{} has written a comment."),
    ("mention", ""): lazy_gettext("{} has mentioned you in a comment."),
}
#: the first sentence for those whose task or request it is not
LINES_OF_OTHERS = {
    ("assigned", "help"): lazy_gettext("You are asked to help {owner} with a task."),
    ("assigned", "substitute"): lazy_gettext("A task was assigned to {owner}, for whom you stand in."),
    ("due", "substitute"): lazy_gettext("A task of {owner}, for whom you stand in, is due soon."),
    ("late", "substitute"): lazy_gettext("A task of {owner}, for whom you stand in, is overdue."),
    ("finished", "follower"): lazy_gettext("A process that you follow has ended."),
    ("failed", "follower"): lazy_gettext("A process that you follow has failed."),
}
REASONS = {
    "help": lazy_gettext("you are asked to help with the task"),
    "owner": lazy_gettext("the task is assigned to you"),
    "manager": lazy_gettext("you manage this flow"),
    "requester": lazy_gettext("you started it"),
    "queue": lazy_gettext("you may take the task, and want to hear of the queue"),
    "follower": lazy_gettext("you follow it"),
    "mention": lazy_gettext("you were mentioned"),
    "substitute": lazy_gettext("you stand in for somebody who is away"),
}
#: characters of a comment that a mail repeats
QUOTED = 500


def facts(
    event: str, payload: dict[str, Any], user: User, process: Process, task: Task | None, base_url: str
) -> dict[str, Any]:
    """What the templates of mail know of one event."""
    said = (event, payload["state"] if (event, "") not in LINES else "")
    summary = summaries.of_process(process) if task is None else summaries.of_task(task)
    about = summaries.subject(process)
    flow_class = process.flow_class
    flow = process.flow_label if flow_class is None else flow_class.definition.title
    return {
        "word": str(WORDS[said]),
        "line": _line(said, payload, task),
        "title": one_line(flow if task is None else task.title),
        "flow": flow,
        "number": process.id,
        "summary": summary,
        "about": "" if about == summary else about,
        "due": None if task is None or task.due is None else moment(task.due, user),
        "url": _address(payload, process, task, base_url),
        "reason": str(REASONS[payload["reason"]]),
        "profile": address(base_url, "accounts.profile"),
        "quote": "",
    }


def _line(said: tuple[str, str], payload: dict[str, Any], task: Task | None) -> str:
    by = one_line(payload["by"] or "")
    others = LINES_OF_OTHERS.get((said[0], payload["reason"]))
    if others is not None:
        owner = _("somebody") if task is None or task.owner is None else one_line(task.owner.name)
        return str(others).format(owner=owner)
    return str(LINES_BY[said]).format(by) if by and said in LINES_BY else str(LINES[said])


def _address(payload: dict[str, Any], process: Process, task: Task | None, base_url: str) -> str:
    """One click leads to the comment, to all that failed alike, or to the task or the process."""
    if comment := payload.get("comment"):
        return f"{address(base_url, 'processes.detail', process_id=process.id)}#comment-{comment}"
    if incident := payload.get("incident"):
        return address(base_url, "incidents.detail", key=incident)
    if task is None:
        return address(base_url, "processes.detail", process_id=process.id)
    return address(base_url, "tasks.detail", task_id=task.id)


def quote(session: Session, payload: dict[str, Any]) -> str:
    """What a comment says, as far as a mail repeats it; nothing of one that was removed."""
    comment = session.get(Comment, payload["comment"]) if payload.get("comment") else None
    text = "" if comment is None else comment.text.strip()
    return text if len(text) <= QUOTED else text[: QUOTED - 1] + "…"
