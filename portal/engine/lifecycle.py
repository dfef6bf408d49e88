"""The table of a task's states and actions. Buttons, checks, pictures and tests read it; nothing else decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.errors import TransitionNotAllowed
from portal.flow import withdrawal
from portal.language import gettext, lazy_gettext, pgettext
from portal.models import Process, Task, User, session_of

from . import move_targets, permissions
from .obstacles import obstacles

#: a task's states while it is open
OPEN = ("NEW", "ASSIGNED", "SCHEDULED", "STARTED", "ERROR")
#: a task's states when it is over
CLOSED = ("DONE", "CANCELED", "REVIVED")
STATES = OPEN + CLOSED
PROCESS_STATES = ("NEW", "DONE", "CANCELED", "FAILED", "SUSPENDED")


@dataclass(frozen=True, slots=True)
class Rule:
    """The states in which an action is allowed, the state that follows, and who may do it."""

    source: tuple[str, ...]
    #: None: the state stays as it is
    target: str | None
    #: owner, finisher (the owner, unless the permission is lost), manager, taker (holds the task's permission),
    #: requester (who started the process)
    who: tuple[str, ...]
    #: what who may not is told that others may do
    deed: Any = ""
    #: only for a task of a person
    human: bool = False
    #: also while the process is suspended
    on_hold: bool = False


_: Any = lazy_gettext
_MANAGER, _OWNER = ("manager",), ("owner", "manager")

ACTIONS: dict[str, Rule] = {
    "assign": Rule(("NEW",), "ASSIGNED", ("taker", "manager"), human=True),
    "unassign": Rule(("ASSIGNED",), "NEW", _OWNER, _("give it back"), human=True),
    "reassign": Rule(("ASSIGNED",), "ASSIGNED", _OWNER, _("assign it to someone else"), human=True),
    "execute": Rule(("ASSIGNED",), "DONE", ("finisher",), human=True),
    "cancel": Rule(OPEN, "CANCELED", _MANAGER, _("cancel it"), on_hold=True),
    "undo": Rule(("DONE",), "CANCELED", _MANAGER, _("undo it")),
    "revive": Rule(("CANCELED", "ERROR"), "REVIVED", _MANAGER, _("retry or reopen it")),
    "skip": Rule(("NEW", "ASSIGNED", "SCHEDULED", "ERROR"), "DONE", _MANAGER, _("skip it")),
    "move": Rule(OPEN, "CANCELED", _MANAGER, _("move it")),
    "due": Rule(("NEW", "ASSIGNED"), None, _MANAGER, _("change its due date"), human=True, on_hold=True),
    "priority": Rule(("NEW", "ASSIGNED"), None, _MANAGER, _("change its priority"), human=True, on_hold=True),
    "snooze": Rule(("ASSIGNED",), None, _OWNER, _("snooze it"), human=True, on_hold=True),
    "reschedule": Rule(("SCHEDULED",), None, _MANAGER, _("change when it runs"), on_hold=True),
}

PROCESS_ACTIONS: dict[str, Rule] = {
    "cancel": Rule(("NEW", "SUSPENDED"), "CANCELED", _MANAGER, _("cancel its processes"), on_hold=True),
    "suspend": Rule(("NEW",), "SUSPENDED", _MANAGER, _("suspend its processes")),
    "resume": Rule(("SUSPENDED",), "NEW", _MANAGER, _("resume its processes"), on_hold=True),
    "withdraw": Rule(("NEW",), "CANCELED", ("requester",), _("withdraw it")),
    "retry": Rule(("NEW",), None, _MANAGER, _("retry its processes")),
    "data": Rule(("NEW", "SUSPENDED"), None, _MANAGER, _("change data of its processes"), on_hold=True),
    "send": Rule(("NEW",), None, _MANAGER, _("send to its processes")),
    "add": Rule(("NEW",), None, _MANAGER, _("add items to its processes")),
    "migrate": Rule(("NEW",), None, _MANAGER, _("move its tasks")),
}


def _verb(action: str) -> str:
    """An action as a refusal names it; English has the names of the table."""
    return {
        "assign": pgettext("cannot", "assign"),
        "unassign": pgettext("cannot", "unassign"),
        "reassign": pgettext("cannot", "reassign"),
        "execute": pgettext("cannot", "execute"),
        "cancel": pgettext("cannot", "cancel"),
        "undo": pgettext("cannot", "undo"),
        "revive": pgettext("cannot", "revive"),
        "skip": pgettext("cannot", "skip"),
        "move": pgettext("cannot", "move"),
        "due": pgettext("cannot", "due"),
        "priority": pgettext("cannot", "priority"),
        "snooze": pgettext("cannot", "snooze"),
        "reschedule": pgettext("cannot", "reschedule"),
        "suspend": pgettext("cannot", "suspend"),
        "resume": pgettext("cannot", "resume"),
        "withdraw": pgettext("cannot", "withdraw"),
        "retry": pgettext("cannot", "retry"),
        "data": pgettext("cannot", "data"),
        "send": pgettext("cannot", "send"),
        "add": pgettext("cannot", "add"),
        "migrate": pgettext("cannot", "migrate"),
    }.get(action, action)


def cannot(action: str, title: str, why: str) -> TransitionNotAllowed:
    """The refusal of an action on a task; without a title where the reason names the task."""
    verb = _verb(action)
    if not title:
        return TransitionNotAllowed(gettext("cannot %(action)s: %(why)s", action=verb, why=why))
    return TransitionNotAllowed(
        gettext("cannot %(action)s «%(title)s»: %(why)s", action=verb, title=title, why=why)
    )


def cannot_process(action: str, process: Process, why: str) -> TransitionNotAllowed:
    """The refusal of an action on a process."""
    verb = _verb(action)
    return TransitionNotAllowed(
        gettext("cannot %(action)s process %(number)s: %(why)s", action=verb, number=process.id, why=why)
    )


def _state_word(status: str | None) -> str:
    """A state as a refusal names it, in the reader's language."""
    return {
        "NEW": pgettext("state", "new"),
        "ASSIGNED": pgettext("state", "assigned"),
        "SCHEDULED": pgettext("state", "scheduled"),
        "STARTED": pgettext("state", "started"),
        "DONE": pgettext("state", "done"),
        "ERROR": pgettext("state", "failed"),
        "FAILED": pgettext("state", "failed"),
        "CANCELED": pgettext("state", "cancelled"),
        "REVIVED": pgettext("state", "revived"),
        "SUSPENDED": pgettext("state", "suspended"),
    }.get(status or "", words(status))


def is_human(task: Task) -> bool:
    node = task.node
    return node is not None and node.human


def check(action: str, task: Task) -> None:
    """Refuse an action that the table does not allow now, or that would leave one token living twice.

    Raises:
        TransitionNotAllowed: with the state in its message, or with what stands in the way.
    """
    rule = ACTIONS[action]
    if rule.human and not is_human(task):
        raise cannot(action, task.title, gettext("it is not a person's task"))
    if task.status not in rule.source:
        raise cannot(action, task.title, gettext("it is %(state)s", state=_state_word(task.status)))
    if action == "revive" and task.node is None:
        raise cannot(action, task.title, gettext("the flow has no such node any more"))
    if action == "revive" and task.is_boundary_event:
        raise cannot(action, task.title, gettext("revive the task that it sits on"))
    if task.process.on_hold and not rule.on_hold:
        raise cannot(action, task.title, gettext("its process is suspended"))
    if why := _UNFIT[action](task) if action in _UNFIT else None:
        raise cannot(action, task.title, why)
    if found := next(obstacles(action, task), None):
        it = gettext("it") if found.caller is None else f"«{found.caller.title}»"
        why = found.words.format(it=it, them=", ".join(map(_named, found.them)))
        raise cannot(action, task.title if found.caller is None else "", why)


def demand(action: str, task: Task, user: User | None) -> None:
    """Refuse an action as `check` does, then to who may not. None is the system.

    Raises:
        TransitionNotAllowed, PermissionDenied
    """
    check(action, task)
    rule = ACTIONS[action]
    if "finisher" in rule.who:
        permissions.demand_finish(session_of(task), user, task)
    elif "taker" in rule.who:
        permissions.demand_take(session_of(task), user, task)
    elif "owner" in rule.who:
        permissions.demand_owner_or_manager(user, task, rule.deed)
    else:
        permissions.demand_manager(user, task.process, rule.deed)


def _unfit_to_skip(task: Task) -> str | None:
    """Why nobody can say where the token goes if the step is left out."""
    node = task.node
    if node is None:
        return gettext("the flow has no such node any more; move it")
    if task.is_boundary_event:
        return gettext("it is an event on a task")
    if node.decides or node.splits or node.merges:
        return gettext("it decides where the process goes; move it to the step that comes next")
    return None


def _unfit_to_move(task: Task) -> str | None:
    if task.process.flow_class is None:
        return gettext("the code no longer has this flow")
    return move_targets.why_fixed(task)


#: what beside the state stands in the way of an action, in words
_UNFIT: dict[str, Callable[[Task], str | None]] = {"skip": _unfit_to_skip, "move": _unfit_to_move}


def _named(task: Task) -> str:
    return gettext(
        "«%(title)s» (task %(number)s, %(state)s)",
        title=" ".join(task.title.split()),
        number=task.number,
        state=_state_word(task.status),
    )


def check_process(action: str, process: Process) -> None:
    """Refuse an action on a process that the table does not allow now."""
    rule = PROCESS_ACTIONS[action]
    if process.status not in rule.source:
        raise cannot_process(action, process, gettext("it is %(state)s", state=_state_word(process.status)))
    if process.on_hold and not rule.on_hold:
        raise cannot_process(action, process, gettext("it is suspended"))
    if action == "withdraw":
        if process.parent_task_id is not None:
            raise cannot_process(action, process, gettext("another process has called it"))
        if process.flow_class is None or not withdrawal.allows(process.flow_class, process):
            raise cannot_process(action, process, gettext("its flow does not allow that now"))


def demand_process(action: str, process: Process, user: User | None) -> None:
    """Refuse an action on a process as `check_process` does, then to who may not. None is the system.

    Raises:
        TransitionNotAllowed, PermissionDenied
    """
    check_process(action, process)
    rule = PROCESS_ACTIONS[action]
    if "requester" in rule.who:
        permissions.demand_requester(user, process, rule.deed)
    else:
        permissions.demand_manager(user, process, rule.deed)


def words(status: str | None) -> str:
    return {"ERROR": "failed", "CANCELED": "cancelled", "NEW": "new"}.get(
        status or "", (status or "").lower()
    )


def actions_for(task: Task, user: User) -> tuple[str, ...]:
    """The names of the actions that this person may do with this task now. What stands in the way of an undo
    or a revive is read only for who could do it."""
    manager = user.manages(task.process.flow_label)
    allowed = []
    for name, rule in ACTIONS.items():
        mine = {
            "owner": permissions.owns(user, task),
            "finisher": permissions.may_finish(user, task),
            "manager": manager,
            "taker": permissions.could_take(user, task),
        }
        if name == "cancel" and task.process.finished is not None and task.status not in OPEN:
            continue
        if any(mine[who] for who in rule.who) and _allowed(name, task):
            allowed.append(name)
    return tuple(allowed)


def _allowed(name: str, task: Task) -> bool:
    try:
        check(name, task)
    except TransitionNotAllowed:
        return False
    return True
