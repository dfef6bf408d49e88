"""The buttons of a task and of a process: their words, their icons, and the questions that their pages ask."""

from __future__ import annotations

from typing import Any, NamedTuple

from portal.language import lazy_gettext, lazy_pgettext

_: Any = lazy_gettext


class Action(NamedTuple):
    """A button and the question that its page asks."""

    word: str
    icon: str
    question: str
    consequence: str
    done: str
    #: the consequence for several at once, where it is worded otherwise
    consequence_of_many: str = ""

    def consequence_for(self, number: int) -> str:
        """What will happen to so many."""
        return self.consequence if number == 1 else self.consequence_of_many or self.consequence


ACTIONS = {
    "assign": Action(
        _("Take"), "hand-index-thumb", _("Take this task?"),
        _("It moves from the queue to your inbox; nobody else can work on it until you give it back."),
        _("You took “{}”."),
    ),
    "unassign": Action(
        _("Give back"), "arrow-return-left", _("Give this task back?"),
        _("It goes back to the queue, where everyone who may do it sees it again."), _("You gave back “{}”."),
        _("They go back to the queue, where everyone who may do them sees them again."),
    ),
    "reassign": Action(
        _("Assign to…"), "people", _("Assign this task to someone else?"),
        _("It moves to the inbox of the person you choose."), _("“{}” is assigned."),
        _("They move to the inbox of the person you choose."),
    ),
    "execute": Action(lazy_pgettext("button", "Open"), "pencil-square", "", "", _("“{}” is done.")),
    "cancel": Action(
        _("Cancel task…"), "x-circle", _("Cancel this task?"),
        _("Whoever works on it cannot finish it any more, and its branch of the process stops here. "
        "A cancelled task can be reopened."), _("“{}” is cancelled."),
        _("Whoever works on them cannot finish them any more, and their branches of the process stop here. "
        "A cancelled task can be reopened."),
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
        _("Snooze…"), "clock", _("Snooze this task?"),
        _("Until then the inbox shows it only under “Snoozed”, below the list. It stays with its owner."),
        _("“{}” is snoozed."),
        _("Until then the inbox shows them only under “Snoozed”, below the list. They stay with their owners."),
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
        _("Every open task of them and of their children is cancelled, also one that somebody has open."),
    ),
    "suspend": Action(
        _("Suspend…"), "pause-circle", _("Suspend this process?"),
        _("Nobody can work on its tasks, and its timers and jobs wait, until it is resumed."), _("Suspended"),
        _("Nobody can work on their tasks, and their timers and jobs wait, until they are resumed."),
    ),
    "resume": Action(
        _("Resume…"), "play-circle", _("Resume this process?"),
        _("Its tasks can be worked on again, and what fell due meanwhile happens now."), _("Resumed"),
        _("Their tasks can be worked on again, and what fell due meanwhile happens now."),
    ),
    "withdraw": Action(
        _("Withdraw request…"), "arrow-counterclockwise", _("Withdraw this request?"),
        _("It is cancelled, and nobody works on it any more."), _("Withdrawn"),
        _("They are cancelled, and nobody works on them any more."),
    ),
    "retry": Action(
        _("Retry failed steps…"), "arrow-clockwise", _("Retry all that failed in this process?"),
        _("A new task is created for each failed step, and the process continues from there."), _("Retried"),
        _("A new task is created for each failed step, and the processes continue from there."),
    ),
    "data": Action(
        _("Change data…"), "pencil", _("Change the data of this process"),
        _("The history keeps each old and new value."), _("Data changed"),
    ),
    "migrate": Action(
        _("Move to the flow as it is now…"), "box-arrow-in-right", _("Move this process to the flow as it is now"),
        _("The flow has changed. Say for each step that it no longer has where the process continues."), _("Moved"),
        _("The flow has changed. Say for each step that it no longer has where the processes continue."),
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


def heading(asked: Action, number: str) -> str:
    """`Cancel task: 12 tasks`."""
    return f"{asked.word.rstrip('…')}: {number}"


def action_words(name: str, task: Any) -> Action:
    """The words of an action on this task: what has failed is retried, what was cancelled is reopened."""
    return _RETRY if name == "revive" and task is not None and task.status == "ERROR" else ACTIONS[name]
