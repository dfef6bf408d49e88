"""States in words and colours, and what an event says to a person. Rules are tables; pages only look up."""

from __future__ import annotations

from typing import Any, NamedTuple

from portal.engine.queue import jobs
from portal.flow import registry
from portal.language import gettext, lazy_gettext, lazy_pgettext, ngettext

_: Any = lazy_gettext


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

#: the action of an event, or of a button, as a finished deed
DEEDS = {
    "assign": _("took"),
    "unassign": _("gave back"),
    "reassign": _("assigned"),
    "execute": _("finished"),
    "cancel": lazy_pgettext("deed", "cancelled"),
    "undo": _("undid"),
    "revive": _("reopened"),
    "suspend": _("suspended"),
    "resume": _("resumed"),
    "start": _("started"),
    "step": _("reached"),
    "timer": _("timer fired"),
    "signal": _("signal received"),
    "message": _("message received"),
    "job": _("ran"),
    "migrate": _("moved to another step"),
    "create": _("created"),
    "skip": _("skipped"),
    "move": _("moved"),
    "due": _("changed the due date of"),
    "priority": _("changed the priority of"),
    "snooze": _("snoozed"),
    "help": _("asked for help with"),
    "reschedule": _("changed when it runs:"),
    "withdraw": _("withdrew"),
    "data": _("changed data of"),
    "send": _("sent a message or a signal:"),
    "add": _("added an item to"),
    "requester": _("gave the request to somebody else:"),
    "hold": _("put a legal hold on"),
    "release": _("ended the legal hold on"),
}


#: what is said of a task whose node the code no longer has
LOST = _(
    "The flow has changed and no longer has this step. A manager can move the process to another one, or cancel "
    "this task."
)


class Action(NamedTuple):
    """A button and the question that its page asks."""

    word: str
    icon: str
    question: str
    consequence: str
    done: str


ACTIONS = {
    "assign": Action(
        _("Take"), "hand-index-thumb", _("Take this task?"),
        _("It moves from the queue to your inbox; nobody else can work on it until you give it back."),
        _("You took “{}”."),
    ),
    "unassign": Action(
        _("Give back"), "arrow-return-left", _("Give this task back?"),
        _("It goes back to the queue, where everyone who may do it sees it again."), _("You gave back “{}”."),
    ),
    "reassign": Action(
        _("Assign to…"), "people", _("Assign this task to someone else?"),
        _("It moves to the inbox of the person you choose."), _("“{}” is assigned."),
    ),
    "execute": Action(lazy_pgettext("button", "Open"), "pencil-square", "", "", _("“{}” is done.")),
    "cancel": Action(
        _("Cancel task…"), "x-circle", _("Cancel this task?"),
        _("Whoever works on it cannot finish it any more, and its branch of the process stops here. "
        "A cancelled task can be reopened."), _("“{}” is cancelled."),
    ),
    "undo": Action(
        _("Undo…"), "arrow-counterclockwise", _("Undo this finished task?"),
        _("What it did is marked as cancelled. To have it done again, reopen it afterwards."), _("“{}” is undone."),
    ),
    "revive": Action(
        _("Reopen…"), "arrow-clockwise", _("Reopen this task?"),
        _("A new task is created with the same data, and the process continues from there."), _("“{}” is reopened."),
    ),
    "skip": Action(
        _("Skip…"), "skip-forward", _("Skip this task?"),
        _("Nobody does this step, and the process continues behind it."), _("“{}” is skipped."),
    ),
    "move": Action(
        _("Move…"), "signpost-split", _("Move this task to another step?"),
        _("The process goes on from another step of its flow."), _("“{}” is moved."),
    ),
    "due": Action(
        _("Change due date…"), "calendar-event", _("Change the due date?"),
        _("Lists are sorted by it, and people are reminded of it."), _("The due date of “{}” is changed."),
    ),
    "priority": Action(
        _("Change priority…"), "sort-up", _("Change the priority?"), _("More urgent tasks come first in lists."),
        _("The priority of “{}” is changed."),
    ),
    "snooze": Action(
        _("Snooze…"), "moon", _("Snooze this task?"),
        _("It stays with its owner, whose inbox shows it only below until then."), _("“{}” is snoozed."),
    ),
    "help": Action(
        _("Ask for help…"), "people", _("Ask somebody to help with this task?"),
        _("They are told, see the task and its process, and can comment and attach files. Its owner finishes it."),
        _("%(name)s is asked to help."),
    ),
    "reschedule": Action(
        _("Run at another time…"), "clock", _("Run this at another time?"),
        _("A timer fires, or a job runs, at that moment instead; what follows it comes then."),
        _("“{}” runs at another time."),
    ),
}  # fmt: skip
_RETRY = Action(
    _("Retry…"), "arrow-clockwise", _("Retry this task?"),
    _("A new task is created with the same data, and the process continues from there."), _("“{}” is retried."),
)  # fmt: skip

PROCESS_ACTIONS = {
    "cancel": Action(
        _("Cancel process…"), "x-circle", _("Cancel this process?"),
        _("Every open task of it and of its children is cancelled, also one that somebody has open."),
        _("Cancelled"),
    ),
    "suspend": Action(
        _("Suspend…"), "pause-circle", _("Suspend this process?"),
        _("Nobody can work on its tasks, and its timers and jobs wait, until it is resumed."), _("Suspended"),
    ),
    "resume": Action(
        _("Resume…"), "play-circle", _("Resume this process?"),
        _("Its tasks can be worked on again, and what fell due meanwhile happens now."), _("Resumed"),
    ),
    "withdraw": Action(
        _("Withdraw request…"), "arrow-counterclockwise", _("Withdraw this request?"),
        _("It is cancelled, and nobody works on it any more."), _("Withdrawn"),
    ),
    "retry": Action(
        _("Retry failed steps…"), "arrow-clockwise", _("Retry all that failed in this process?"),
        _("A new task is created for each failed step, and the process continues from there."), _("Retried"),
    ),
    "data": Action(
        _("Change data…"), "pencil", _("Change the data of this process"),
        _("The history keeps each old and new value."), _("Data changed"),
    ),
    "migrate": Action(
        _("Move to the flow as it is now…"), "box-arrow-in-right", _("Move this process to the flow as it is now"),
        _("The flow has changed. Say for each step that it no longer has where the process continues."), _("Moved"),
    ),
    "send": Action(
        _("Send message or signal…"), "envelope", _("Send a message or a signal"),
        _("What waits for it continues as if another program had sent it. This cannot be undone."), _("Sent"),
    ),
    "add": Action(
        _("Add item…"), "plus-circle", _("Add an item to a step that runs once for each"),
        _("It is treated as those with which the step began. This cannot be undone; what it starts can be cancelled."),
        _("Item added"),
    ),
}  # fmt: skip


def initials(name: str) -> str:
    """The first letters of the first and the last word of a name."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def _of_task(status: str) -> State:
    return _TASK.get(status, State(status.capitalize(), "off"))


def action_words(name: str, task: Any) -> Action:
    """The words of an action on this task: what has failed is retried, what was cancelled is reopened."""
    return _RETRY if name == "revive" and task is not None and task.status == "ERROR" else ACTIONS[name]


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


#: of a process in which a step failed or work stands still, also below it
ATTENTION = State(_("Needs attention"), "bad")


def why(attention: Any, process: Any, user: Any) -> str:
    """Why a process needs attention, in a sentence; what an error says is for those who manage the flow."""
    flow_class = registry.get(attention.flow_label)
    definition = flow_class.definition if flow_class is not None else None
    step = step_title(definition, attention.flow_task or "")
    if attention.kind == "stuck":
        text = gettext("No step is open, but the process has not ended")
    elif attention.kind == "failed":
        text = gettext("“%(step)s” failed", step=step)
    else:
        text = gettext(
            "“%(step)s” is with %(name)s, who is no longer active", step=step, name=attention.owner
        )
    if attention.process_id != process.id:
        text = gettext("%(what)s in process #%(number)s", what=text, number=attention.process_id)
    if attention.error and user.manages(attention.flow_label):
        text += f": {attention.error}"
    others = attention.count - 1
    more = ngettext(" %(number)s more like it.", " %(number)s more like it.", others) if others > 0 else ""
    return (text if text.endswith((".", "!", "?")) else f"{text}.") + more


class Tries(NamedTuple):
    """How far a job is that has been tried, or is being tried."""

    #: the number of the try that runs, or has failed last
    number: int
    of: int
    #: what the last try that failed raised; None if none has
    error: dict[str, Any] | None
    running: bool
    #: when the one that runs is given up
    until: Any


def tries(task: Any) -> Tries | None:
    """The tries of a job that runs, or waits for its next one. None where nothing is to be told of them."""
    node, error = task.node, (task.data or {}).get("_exception")
    if node is None or not (node.works or node.topic) or task.status not in ("SCHEDULED", "STARTED"):
        return None
    running = task.status == "STARTED"
    failed = (error or {}).get("tries", 0)
    if not running and not failed:
        return None
    until = None
    if running and task.started is not None:
        until = getattr(task, "lease", None) if node.topic else task.started + jobs.time_limit(node)
    of = max((error or {}).get("of", 0), node.retries + 1)
    return Tries(failed + running, of, error if failed else None, running, until)


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


def is_late(task: Any, now: Any) -> bool:
    return task.finished is None and task.due is not None and task.due < now


def is_form(task: Any) -> bool:
    """Whether a person completes the task, with a form or a confirmation."""
    node = task.node
    return node is not None and node.human and not node.starts


#: what people do; everything else happens by itself, though somebody's action set it off
_PEOPLES = frozenset(
    (
        "start",
        "execute",
        "assign",
        "unassign",
        "reassign",
        "cancel",
        "undo",
        "revive",
        "suspend",
        "resume",
        "skip",
        "move",
        "due",
        "priority",
        "snooze",
        "help",
        "reschedule",
        "withdraw",
        "data",
        "send",
        "add",
        "migrate",
        "requester",
        "hold",
        "release",
    )
)


def by_person(event: Any) -> bool:
    """Whether somebody did it. Whom a rule of the flow gave a task, the one before set that off and no more."""
    return event.user is not None and event.action in _PEOPLES and not (event.detail or {}).get("rule")


def step_title(definition: Any, name: str) -> str:
    """What people call a step, also one that the flow no longer has, or an event on a step's border."""
    node = definition.nodes.get(name) if definition is not None else None
    if node is None:
        return name.replace("__", ": ").replace("_", " ").capitalize()
    host = None if node is None else node.host
    if host is None:
        return str(node.title)
    return f"{host.title}: {name.partition('__')[2].replace('_', ' ')}"


#: the rules of assignment, as the history calls them
_RULES = {
    "round robin": _("round robin"),
    "shortest queue": _("shortest queue"),
    "random": _("random"),
    "familiar": _("who knows the case"),
    "case owner": _("the owner of the case"),
    "capability": _("skill:"),
    "experienced": _("who has done it most often"),
    "manager of": _("manager of"),
    "named by the flow": _("named by the flow"),
}


def rule_words(said: Any) -> str:
    """The rule that chose somebody, in the language of the reader: `capability french, round robin`."""
    return ", ".join(_rule(part) for part in str(said).split(", "))


def _rule(said: str) -> str:
    for name, words in _RULES.items():
        if said == name or said.startswith(f"{name} "):
            return f"{words}{said[len(name) :]}"
    return said


def deed_to_it(event: Any) -> str:
    """What somebody did with the task that a page is about."""
    taken_over = event.action == "reassign" and _to_oneself(event)
    return gettext("took it over") if taken_over else gettext("%(did)s it", did=deed(event))


def _to_oneself(event: Any) -> bool:
    return bool((event.detail or {}).get("to", event.user.username) == event.user.username)


def deed(event: Any) -> str:
    """What somebody did, as a verb."""
    if event.action == "assign" and (event.from_state is None or (event.detail or {}).get("rule")):
        return gettext("was assigned")
    if (
        event.action == "assign"
        and event.user
        and (event.detail or {}).get("to", event.user.username) != event.user.username
    ):
        return gettext("assigned")
    if event.action == "assign" and event.user is not None and not _to_oneself(event):
        return gettext("assigned")
    if event.action == "revive" and event.from_state == "ERROR":
        return gettext("retried")
    if event.action == "step" and (event.detail or {}).get("unassigned"):
        return gettext("left in the queue")
    if event.action == "help" and not (event.detail or {}).get("to"):
        return gettext("ended the help with")
    return str(DEEDS.get(event.action, event.action))
