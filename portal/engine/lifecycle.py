"""The table of a task's states and actions. Buttons, checks, pictures and tests read it; nothing else decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal.errors import TransitionNotAllowed
from portal.flow import withdrawal
from portal.models import Process, Task, User

from . import permissions, places
from .obstacles import obstacles

#: a task's states while it is open
OPEN = ("NEW", "ASSIGNED", "SCHEDULED", "STARTED", "ERROR")
#: a task's states when it is over
CLOSED = ("DONE", "CANCELED", "REVIVED")
STATES = OPEN + CLOSED
PROCESS_STATES = ("NEW", "DONE", "CANCELED", "FAILED", "SUSPENDED")


@dataclass(frozen=True, slots=True)
class Rule:
    """From which states an action leads where, and whose it is."""

    source: tuple[str, ...]
    #: None: the state stays as it is
    target: str | None
    #: owner, finisher (the owner, unless the permission is lost), manager, taker (holds the task's permission),
    #: requester (who started the process)
    who: tuple[str, ...]
    #: only for a task of a person
    human: bool = False
    #: also while the process is suspended
    on_hold: bool = False


ACTIONS: dict[str, Rule] = {
    "assign": Rule(("NEW",), "ASSIGNED", ("taker", "manager"), human=True),
    "unassign": Rule(("ASSIGNED",), "NEW", ("owner", "manager"), human=True),
    "reassign": Rule(("ASSIGNED",), "ASSIGNED", ("owner", "manager"), human=True),
    "execute": Rule(("ASSIGNED",), "DONE", ("finisher",), human=True),
    "cancel": Rule(OPEN, "CANCELED", ("manager",), on_hold=True),
    "undo": Rule(("DONE",), "CANCELED", ("manager",)),
    "revive": Rule(("CANCELED", "ERROR"), "REVIVED", ("manager",)),
    "skip": Rule(("NEW", "ASSIGNED", "SCHEDULED", "ERROR"), "DONE", ("manager",)),
    "move": Rule(OPEN, "CANCELED", ("manager",)),
    "due": Rule(("NEW", "ASSIGNED"), None, ("manager",), human=True, on_hold=True),
    "priority": Rule(("NEW", "ASSIGNED"), None, ("manager",), human=True, on_hold=True),
    "snooze": Rule(("ASSIGNED",), None, ("owner", "manager"), human=True, on_hold=True),
    "reschedule": Rule(("SCHEDULED",), None, ("manager",), on_hold=True),
}

PROCESS_ACTIONS: dict[str, Rule] = {
    "cancel": Rule(("NEW", "SUSPENDED"), "CANCELED", ("manager",), on_hold=True),
    "suspend": Rule(("NEW",), "SUSPENDED", ("manager",)),
    "resume": Rule(("SUSPENDED",), "NEW", ("manager",), on_hold=True),
    "withdraw": Rule(("NEW",), "CANCELED", ("requester",)),
    "retry": Rule(("NEW",), None, ("manager",)),
    "data": Rule(("NEW", "SUSPENDED"), None, ("manager",), on_hold=True),
    "send": Rule(("NEW",), None, ("manager",)),
    "add": Rule(("NEW",), None, ("manager",)),
    "migrate": Rule(("NEW",), None, ("manager",)),
}


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
        raise TransitionNotAllowed(f"cannot {action} «{task.title}»: it is not a person's task")
    if task.status not in rule.source:
        raise TransitionNotAllowed(f"cannot {action} «{task.title}»: it is {words(task.status)}")
    if action == "revive" and task.node is None:
        raise TransitionNotAllowed(f"cannot revive «{task.title}»: the flow has no such node any more")
    if action == "revive" and (task.is_event or task.flow_task_type.endswith("Boundary")):
        raise TransitionNotAllowed(f"cannot revive «{task.title}»: revive the task that it sits on")
    if task.process.on_hold and not rule.on_hold:
        raise TransitionNotAllowed(f"cannot {action} «{task.title}»: its process is suspended")
    if why := _UNFIT[action](task) if action in _UNFIT else None:
        raise TransitionNotAllowed(f"cannot {action} «{task.title}»: {why}")
    if found := next(obstacles(action, task), None):
        subject = f" «{task.title}»" if found.caller is None else ""
        it = "it" if found.caller is None else f"«{found.caller.title}»"
        why = found.words.format(it=it, them=", ".join(map(_named, found.them)))
        raise TransitionNotAllowed(f"cannot {action}{subject}: {why}")


def _unfit_to_skip(task: Task) -> str | None:
    """Why nobody can say where the token goes if the step is left out."""
    node = task.node
    if node is None:
        return "the flow has no such node any more; move it"
    if task.is_event or task.flow_task_type.endswith("Boundary"):
        return "it is an event on a task"
    if node.decides or node.splits or node.merges:
        return "it decides where the process goes; move it to the step that comes next"
    return None


def _unfit_to_move(task: Task) -> str | None:
    if task.process.flow_class is None:
        return "the code no longer has this flow"
    return places.held(task)


#: what beside the state stands in the way of an action, in words
_UNFIT: dict[str, Callable[[Task], str | None]] = {"skip": _unfit_to_skip, "move": _unfit_to_move}


def _named(task: Task) -> str:
    return f"«{' '.join(task.title.split())}» (task {task.number}, {words(task.status)})"


def check_process(action: str, process: Process) -> None:
    """Refuse an action on a process that the table does not allow now."""
    rule = PROCESS_ACTIONS[action]
    if process.status not in rule.source:
        raise TransitionNotAllowed(f"cannot {action} process {process.id}: it is {words(process.status)}")
    if process.on_hold and not rule.on_hold:
        raise TransitionNotAllowed(f"cannot {action} process {process.id}: it is suspended")
    if action == "withdraw":
        if process.parent_task_id is not None:
            raise TransitionNotAllowed(f"cannot withdraw process {process.id}: another process has called it")
        if process.flow_class is None or not withdrawal.allows(process.flow_class, process):
            raise TransitionNotAllowed(
                f"cannot withdraw process {process.id}: its flow does not allow that now"
            )


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
