"""The side bar: one table, in which each family of pages registers the entries that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import url_for

from portal.language import lazy_gettext
from portal.models import User

_: Any = lazy_gettext
#: what stands over the entries from a place on
_GROUPS = ((76, _("Operate")), (51, _("Manage")))


def _everybody(_user: User) -> bool:
    return True


@dataclass(frozen=True)
class Entry:
    """A place in the side bar.

    Args:
        name: names the entry for `{% set section %}` of a page and for its badge.
        label: the word on it; a lazy text.
        icon: a Bootstrap icon.
        endpoint: of the page that it leads to, with `values` for its address.
        place: the entries are in the order of this number: staff below 50, managers below 80, admins above.
        shown: whether a person has it.
    """

    name: str
    label: Any
    icon: str
    endpoint: str
    place: int
    values: Mapping[str, Any] = field(default_factory=dict)
    shown: Callable[[User], bool] = _everybody

    @property
    def group(self) -> Any:
        """The word over this entry and its neighbours; none over those of everybody."""
        return next((word for place, word in _GROUPS if self.place >= place), "")

    @property
    def address(self) -> str:
        return url_for(self.endpoint, **self.values)


_entries: dict[str, Entry] = {}


def register(*entries: Entry) -> None:
    _entries.update({entry.name: entry for entry in entries})


def entries(user: User) -> list[Entry]:
    """What this person finds in the side bar, from top to bottom."""
    return sorted((entry for entry in _entries.values() if entry.shown(user)), key=lambda entry: entry.place)
