"""The decisions of a process in words: what was decided, by whom, and what they remarked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from portal.engine import visibility
from portal.jsonstore import StringField, fields_of
from portal.models import Event, User

from ..forms.decisions import field_or_column, label_of_value


class Decided(NamedTuple):
    """One decision."""

    #: the step and the answer, as the button had it
    title: str
    answer: str
    #: True for a yes, False for a no, None for anything else
    good: bool | None
    remark: str
    user: User | None
    moment: dt.datetime
    #: the names of the fields that say so
    names: frozenset[str]


def decisions_of(process: Any, events: Iterable[Event], reader: Any) -> list[Decided]:
    """The decisions that still stand, in the order in which they were taken.

    Args:
        events: what happened, the latest first.
        reader: who looks at it: a field that they may not see says nothing.
    """
    return list(_found(process, events, visibility.hidden_fields(reader, process)))[::-1]


def _found(process: Any, events: Iterable[Event], hidden: frozenset[str]) -> Iterator[Decided]:
    flow_class = process.flow_class
    nodes = {} if flow_class is None else flow_class.definition.nodes
    seen: set[str] = set()
    for event in events:
        task = event.task
        if event.action != "execute" or task is None or task.status != "DONE":
            continue
        node = nodes.get(task.flow_task)
        view = None if node is None else node.view
        decision = getattr(view, "decision", None)
        # A field that was decided again says what was decided last.
        if decision is None or decision.name in hidden | seen or not hasattr(process, decision.name):
            continue
        seen.add(decision.name)
        value = getattr(process, decision.name)
        field = field_or_column(type(process), decision.name)
        remarks = [] if seen & set(_texts(process, view)) else _texts(process, view)
        words = [str(getattr(process, name) or "") for name in remarks if name not in hidden | seen]
        seen |= set(remarks)
        yield Decided(
            task.title,
            label_of_value(field, value),
            value if isinstance(value, bool) else None,
            "\n".join(filter(None, words)),
            event.user,
            event.created,
            frozenset([decision.name, *remarks]),
        )


def _texts(process: Any, view: Any) -> list[str]:
    """The texts that go with a decision."""
    fields = fields_of(type(process))
    return [name for name in view.fields if isinstance(fields.get(name), StringField)]
