"""States of tasks, processes and events as words with a colour."""

from __future__ import annotations

from typing import Any, NamedTuple

from portal.language import lazy_gettext as _


class State(NamedTuple):
    """A word, and the tone that it is shown in."""

    word: str
    tone: str


_TASK = {
    "NEW": State(_("New"), "new"),
    "ASSIGNED": State(_("Assigned"), "busy"),
    "SCHEDULED": State(_("Scheduled"), "wait"),
    "STARTED": State(_("Waiting for an event"), "wait"),
    "DONE": State(_("Done"), "done"),
    "ERROR": State(_("Failed"), "bad"),
    "CANCELED": State(_("Cancelled"), "off"),
    "REVIVED": State(_("Reopened"), "off"),
}
#: what a step of this kind is called while it is STARTED
_STARTED = dict.fromkeys(
    ("Job", "ExternalTask", "Function", "Subprocess", "NSubprocess"), State(_("In progress"), "busy")
)
_STARTED |= dict.fromkeys(("Join", "Turn"), State(_("Waiting"), "wait"))
#: a revived task that had failed
_RETRIED = State(_("Retried"), "off")
_PROCESS = {
    "NEW": State(_("In progress"), "busy"),
    "DONE": State(_("Done"), "done"),
    "CANCELED": State(_("Cancelled"), "off"),
    "FAILED": State(_("Failed"), "bad"),
    "SUSPENDED": State(_("Suspended"), "wait"),
}
PROCESS_STATES = {state: words.word for state, words in _PROCESS.items()}
TASK_STATES = {state: words.word for state, words in _TASK.items()}
#: of a process in which a step failed or work stands still, also below it
ATTENTION = State(_("Needs attention"), "bad")


def _of_task(status: str) -> State:
    return _TASK.get(status, State(status.capitalize(), "off"))


def task_state(task: Any, user: Any = None) -> State:
    """What a task's state is called, for this reader."""
    if task.status == "ASSIGNED" and user is not None and task.owner_id == getattr(user, "id", None):
        return State(_("Mine"), "busy")
    if task.status == "REVIVED" and "_exception" in (task.data or {}):
        return _RETRIED
    return (
        _STARTED.get(task.flow_task_type, _TASK["STARTED"])
        if task.status == "STARTED"
        else _of_task(task.status)
    )


def process_state(process: Any) -> State:
    """What a process's state is called; one that only waits for its parent's suspension to end says so."""
    if process.on_hold and process.status == "NEW":
        return State(_("Suspended"), "wait")
    return _PROCESS.get(process.status, State(process.status.capitalize(), "off"))


def event_state(event: Any) -> State:
    """The state that an event led to."""
    if event.action == "revive" and event.from_state == "ERROR":
        return _RETRIED
    if event.task_id is None:
        return _PROCESS.get(event.to_state, State(event.to_state.capitalize(), "off"))
    if event.to_state == "STARTED" and event.task is not None:
        return _STARTED.get(event.task.flow_task_type, _TASK["STARTED"])
    return _of_task(event.to_state)
