"""Where one process stands, as its picture and the list beside it show it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from portal.language import gettext as _
from portal.language import ngettext
from portal.queries import Course, Stop
from portal.render import ChartState

from .display.moments import age, short_span
from .display.steps import is_late
from .layout import now

_OPEN = ("NEW", "ASSIGNED", "SCHEDULED", "STARTED")
#: what a picture counts of a process of which not all tasks were read: that there are some
_SOME = 1


def chart_state(course: Course, flow_class: Any) -> ChartState:
    """The states of the steps, with who has or had each of them, and how long."""
    stops: dict[str, list[Stop]] = defaultdict(list)
    for task in course.tasks:
        stops[task.flow_task].append(task)

    def count(*states: str, events: bool = True) -> dict[str, int]:
        sums = {name: sum(each.status in states for each in found) for name, found in stops.items()}
        # An event that is armed on the border of a step is no place where the process stands.
        kept = {name: number for name, number in sums.items() if number and (events or "__" not in name)}
        return kept if course.whole else dict.fromkeys(kept, _SOME)

    taken_back = set(_taken_back(course.ways, flow_class))
    return ChartState(
        done={**count("DONE"), **dict.fromkeys((event for event, _target in taken_back), 1)},
        current=count(*_OPEN, events=False),
        failed=count("ERROR"),
        canceled=count("CANCELED", events=False),
        passed=course.ways | taken_back,
        lines={name: line for name, found in stops.items() if (line := _line(found))},
        late=frozenset(
            name
            for name, found in stops.items()
            if any(is_late(each, now()) for each in found if each.finished is None)
        ),
    )


def _taken_back(ways: frozenset[tuple[str, str]], flow_class: Any) -> Iterator[tuple[str, str]]:
    """The ways of compensation events. They are no tasks: a handler's task follows the step that it takes back."""
    for node in flow_class.definition.nodes.values() if flow_class is not None else ():
        if node.compensates:
            for edge in node.outgoing:
                if (node.host.name, edge.target.name) in ways:
                    yield node.name, edge.target.name


def _line(stops: list[Stop]) -> str:
    """Who had a step and how long, or has it and since when."""
    opened = [each for each in stops if each.finished is None]
    failed = [each for each in opened if each.status == "ERROR"]
    if failed:
        return _("Failed %(span)s ago", span=_since(failed[0].started or failed[0].created))
    if len(opened) > 1:
        since = _since(min(each.created for each in opened))
        return ngettext("%(number)s open", "%(number)s open", len(opened)) + f" · {since}"
    if opened:
        return _of_open(opened[0])
    done = [each for each in stops if each.status == "DONE"]
    return _of_done(done[-1]) if done else ""


def _of_open(task: Stop) -> str:
    since = _since(task.assigned or task.created)
    who = _first_name(task)
    if not who and task.status == "NEW":
        who = _("Unassigned")
    return f"{who} · {since}" if who else _("since %(span)s", span=since)


def _of_done(task: Stop) -> str:
    assert task.finished is not None
    seconds = (task.finished - (task.assigned or task.created)).total_seconds()
    took = short_span(seconds) if seconds >= 60 else ""
    return " · ".join(filter(None, (_first_name(task), took)))


def _first_name(task: Stop) -> str:
    return (task.owner_name or "").partition(" ")[0]


def _since(moment: dt.datetime) -> str:
    """How long ago, in one unit: a picture has little room."""
    seconds = (now() - moment).total_seconds()
    return age(seconds) if seconds >= 60 else short_span(seconds)
