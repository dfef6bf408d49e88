"""The catalogue of requests: what a person may start, in groups, with what one has to know before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from portal import queries
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import User, db

from .layout import may_start


class Entry(NamedTuple):
    """A row: a flow that one may start.

    Attributes:
        starts: its form starts, one button each.
        words: what a search looks in, in small letters.
        duration: how long it usually takes, in words; empty where too few are done.
    """

    flow: Any
    starts: Sequence[Any]
    words: str
    duration: str


class Group(NamedTuple):
    """The entries of a category."""

    name: str
    entries: list[Entry]


class Unfinished(NamedTuple):
    """A start form that was begun and not sent."""

    node: Any
    saved: dt.datetime


def entries(user: User) -> list[Entry]:
    """What this person may start, in the order of the titles."""
    starts: dict[Any, list[Any]] = {}
    for node in may_start(user):
        starts.setdefault(node.flow_class, []).append(node)
    labels = [flow_class.definition.label for flow_class in starts]
    took = queries.usual_durations(db.session(), labels)
    return [
        Entry(flow_class.definition, nodes, _words(flow_class, nodes), roughly(took.get(flow_class.definition.label)))
        for flow_class, nodes in starts.items()
    ]  # fmt: skip


def grouped(found: Iterable[Entry]) -> list[Group]:
    """Entries by category; those without one come last."""
    groups: dict[str, list[Entry]] = {}
    for entry in found:
        groups.setdefault(entry.flow.flow_class.category, []).append(entry)
    names = sorted(groups, key=lambda name: (not name, name.casefold()))
    return [Group(name or (_("Other") if len(names) > 1 else ""), groups[name]) for name in names]


def matching(found: Iterable[Entry], text: str) -> list[Entry]:
    """The entries in which every word of a search is found."""
    wanted = text.casefold().split()
    return [entry for entry in found if all(word in entry.words for word in wanted)]


def often(user: User, found: Iterable[Entry]) -> list[Entry]:
    """The entries that this person uses most, of those with one start."""
    by_label = {entry.flow.label: entry for entry in found if len(entry.starts) == 1}
    labels = queries.often_started(db.session(), user)
    return [by_label[label] for label in labels if label in by_label]


def unfinished(user: User) -> list[Unfinished]:
    """The start forms that this person has begun, the latest first, of those that they still may start."""
    nodes = {(node.flow_class.definition.label, node.name): node for node in may_start(user)}
    found = []
    for draft in queries.start_drafts(db.session(), user):
        parts = unquote(draft.place).strip("/").split("/")  # flows/<label>/start/<name>
        if len(parts) == 4 and (node := nodes.get((parts[1], parts[3]))) is not None:
            found.append(Unfinished(node, draft.saved))
    return found


def roughly(span: dt.timedelta | None) -> str:
    """A duration as a hint: `about 2 days`."""
    if span is None:
        return ""
    hours = span.total_seconds() / 3600
    if hours < 0.75:
        return _("within the hour")
    if hours < 20:
        number = max(round(hours), 1)
        return ngettext("about %(number)s hour", "about %(number)s hours", number)
    days = max(round(hours / 24), 1)
    if days < 14:
        return ngettext("about %(number)s day", "about %(number)s days", days)
    weeks = round(days / 7)
    return ngettext("about %(number)s week", "about %(number)s weeks", weeks)


def _words(flow_class: Any, starts: Iterable[Any]) -> str:
    flow = flow_class.definition
    parts = [flow.title, flow.description, flow_class.category, *flow_class.keywords]
    return " ".join(str(part) for part in [*parts, *(node.title for node in starts)]).casefold()
