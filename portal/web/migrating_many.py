"""Moves many processes to their flow as it is now; a page first tells what will happen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request
from sqlalchemy import select

from portal.engine import declarations
from portal.engine.versions import lost_steps
from portal.flow import registry
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Process, db
from portal.render import ChartState

from .comparing import Compared, compared
from .display.steps import step_title
from .layout import me

_PREFIX = "to-"


def chosen_steps() -> dict[str, str]:
    """The steps at which processes continue, by those that they leave, as the form says."""
    items = request.form.items()
    return {name.removeprefix(_PREFIX): new for name, new in items if name.startswith(_PREFIX) and new}


def fault(steps: dict[str, str], label: str | None) -> str:
    """Why these steps cannot be chosen for processes of this flow; None is several."""
    if label is None:
        return _("Steps can be chosen for processes of one flow.")
    known = {node.name for node in lost_steps.targets(registry[label])} if label in registry else set()
    return "" if set(steps.values()) <= known else _("Choose a step.")


@dataclass
class Moving:
    """What will happen.

    Attributes:
        told: in words.
        lost: the steps that processes leave, where all are of one flow: name, title, and the step that is likely
            meant.
        wanted: where they continue.
        compared: both pictures, where all are of one flow and version that was kept.
    """

    told: list[str] = field(default_factory=list)
    lost: list[tuple[str, str, str]] = field(default_factory=list)
    wanted: dict[str, str] = field(default_factory=dict)
    targets: list[Any] = field(default_factory=list)
    compared: Compared | None = None


def preview(ids: Sequence[int], label: str | None) -> Moving:
    """What will happen with these processes, as far as the person manages their flows.

    Args:
        label: the flow that all of them are of, if they are of one.
    """
    found = [each for each in lost_steps.stuck(db.session(), ids) if me().manages(each.label)]
    steps = chosen_steps()
    wanted = {(each.label, each.name): steps.get(each.name) or each.likely for each in found}
    moving = Moving(_lines(found, wanted))
    if label is None or label not in registry or not me().manages(label):
        return moving
    flow_class = registry[label]
    moving.targets = lost_steps.targets(flow_class)
    moving.wanted = {name: new for (_label, name), new in wanted.items()}
    likely = {each.name: each.likely for each in found}
    moving.lost = [(name, step_title(flow_class.definition, name), new) for name, new in likely.items()]
    made = {each.fingerprint for each in found}
    if len(made) == 1 and (fingerprint := made.pop()):
        old = declarations.of_version(db.session(), label, fingerprint)
        if old is not None:
            moving.compared = _compared(old, flow_class, found, moving.wanted)
    return moving


def one_flow(ids: Sequence[int]) -> str | None:
    """The flow that all of these processes are of, if they are of one."""
    query = select(Process.__table__.c.flow_label).where(Process.__table__.c.id.in_(ids)).distinct().limit(2)
    labels = db.session.scalars(query).all()
    return labels[0] if len(labels) == 1 else None


def _lines(found: Sequence[lost_steps.Stuck], wanted: dict[tuple[str, str], str]) -> list[str]:
    at: dict[tuple[str, str], set[int]] = defaultdict(set)
    for each in found:
        at[each.label, each.name].add(each.process_id)
    lines = []
    for (label, name), processes in at.items():
        definition, number = registry[label].definition, len(processes)
        old = step_title(definition, name)
        if new := wanted[label, name]:
            lines.append(
                ngettext(
                    "%(number)s process: “%(old)s” is cancelled, and it continues at “%(new)s”.",
                    "%(number)s processes: “%(old)s” is cancelled, and they continue at “%(new)s”.",
                    number,
                    old=old,
                    new=step_title(definition, new),
                )
            )
        else:
            lines.append(
                ngettext(
                    "%(number)s process stands at “%(old)s”, for which no step is chosen: it is refused.",
                    "%(number)s processes stand at “%(old)s”, for which no step is chosen: they are refused.",
                    number,
                    old=old,
                )
            )
    return lines or [_("Each open step of these is one of their flow as it is now: nothing has to move.")]


def _compared(
    old: Any, flow_class: Any, found: Sequence[lost_steps.Stuck], wanted: dict[str, str]
) -> Compared:
    standing = Counter(each.name for each in found)
    going: Counter[str] = Counter()
    for name, number in standing.items():
        if new := wanted.get(name):
            going[new] += number
    before, after = (ChartState(current=each, mutes=False) for each in (standing, going))
    return compared(old, flow_class, before, after)
