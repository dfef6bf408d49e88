"""How far a request is: the line of its flow's milestones, and who has it, in the words of who asked for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from portal.language import gettext as _
from portal.queries import At

#: what waits for other steps of its process, and says nothing of where it is
_PATIENT = ("Join", "SplitFirst")


class Milestone(NamedTuple):
    """A place on the line.

    Attributes:
        state: `done`, `current`, `delayed` or `ahead`.
        moment: when it was reached.
    """

    word: str
    state: str
    moment: dt.datetime | None = None


class Whereabouts(NamedTuple):
    """Who has a request: in bold, the step, since when and until when."""

    who: str
    what: str
    since: dt.datetime | None = None
    due: dt.datetime | None = None
    is_mine: bool = False


def line(process: Any, steps: Sequence[At], is_delayed: bool) -> list[Milestone]:
    """The milestones that a process has passed, is at, and can still come to, in the order of declaration.

    Args:
        steps: what is open, and what of the milestones is finished.
        is_delayed: something failed, in it or below it.
    """
    flow_class = process.flow_class
    if flow_class is None or not flow_class.milestones:
        return []
    named = {word: reference.name for word, reference in flow_class.milestones.items()}
    reach = flow_class.definition.reach
    at = [step.flow_task for step in _places(steps)]
    passed = {
        step.flow_task: step.finished for step in steps if step.status == "DONE" and step.flow_task not in at
    }
    ahead = [name for name in named.values() if name not in passed]
    if not at:  # it stands still, before what would come next
        at = ahead[:1]
    # what stands between two milestones is on its way to the next one
    current = {name if name in ahead else _next(ahead, reach.get(name, frozenset())) for name in at}
    found = []
    for word, name in named.items():
        if name in passed:
            found.append(Milestone(word, "done", passed[name]))
        elif name in current:
            found.append(Milestone(word, "delayed" if is_delayed else "current"))
        elif any(name in reach.get(place, ()) for place in at):
            found.append(Milestone(word, "ahead"))
    return found


def _next(ahead: Sequence[str], reach: frozenset[str]) -> str | None:
    return next((name for name in ahead if name in reach), None)


def whereabouts(process: Any, steps: Sequence[At], is_delayed: bool, reader_id: int) -> Whereabouts:
    """Who has a request now, without a word of how the portal works."""
    places = _places(steps)
    milestones = line(process, steps, is_delayed)
    if is_delayed:
        word = next((each.word for each in milestones if each.state == "delayed"), None)
        who = _("%(step)s is delayed", step=word) if word else _("Delayed")
        return Whereabouts(who, _("Something went wrong on our side. You need not do anything."))
    if process.on_hold:
        return Whereabouts(_("On hold"), _("Nobody works on it for now."))
    mine = next((step for step in places if step.owner_id == reader_id), None)
    if mine is not None:
        return Whereabouts(_("Your turn"), _title(process, mine), mine.since, mine.due, is_mine=True)
    owned = next((step for step in places if step.owner is not None and step.count == 1), None)
    if owned is not None:
        who = _("%(name)s has it", name=owned.owner)
        return Whereabouts(who, _title(process, owned), owned.since, owned.due)
    waiting = next((step for step in places if step.status in ("NEW", "ASSIGNED")), None)
    if waiting is not None:
        who = _("Waiting for somebody to take it") if waiting.status == "NEW" else _("Several people have it")
        return Whereabouts(who, _title(process, waiting), waiting.since, waiting.due)
    if places:
        return Whereabouts(_("In progress"), _title(process, places[0]), places[0].since, places[0].due)
    return Whereabouts(_("In progress"), "")


def now_at(process: Any, steps: Sequence[At]) -> str:
    """The current steps in words, for a flow without milestones."""
    titles = dict.fromkeys(_title(process, step) for step in _places(steps))
    return ", ".join(titles)


def _places(steps: Sequence[At]) -> list[At]:
    """Where a process stands: no event that is armed beside a step, and no join while a branch is on its way to it."""
    places = [step for step in steps if step.is_open and "__" not in step.flow_task]
    return [step for step in places if step.kind not in _PATIENT] or places


def _title(process: Any, step: At) -> str:
    node = process.flow_class.definition.nodes.get(step.flow_task) if process.flow_class is not None else None
    return str(node.title) if node is not None else step.flow_task.replace("_", " ").capitalize()
