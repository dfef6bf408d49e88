"""Two declarations of a flow side by side: what was added, removed and changed, on both pictures and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal import language, render
from portal.language import gettext as _
from portal.render import ChartState, Comparison
from portal.render.shapes import shape_of
from portal.render.words import caption

_NOTHING = ChartState(mutes=False)
#: in which order the differences are told
_ORDER = ("removed", "changed", "added")


@dataclass(frozen=True)
class Difference:
    """What differs, in words.

    Attributes:
        change: added, removed or changed.
        word: that in the reader's language.
    """

    change: str
    word: str
    text: str


@dataclass(frozen=True)
class Compared:
    """Both pictures, and the differences in words."""

    old: str
    new: str
    differences: list[Difference]


def compared(old: Any, new: Any, before: ChartState = _NOTHING, after: ChartState = _NOTHING) -> Compared:
    """Two flows side by side.

    Args:
        before, after: what else is marked on the picture of the old one, and of the new one.
    """
    with language.use("en"):  # in which a kept declaration has its words
        found = render.compare(old, new)
    before = replace(before, changes=found.of_old(), mutes=False)
    after = replace(after, changes=found.of_new(), mutes=False)
    return Compared(
        render.svg(old, before, title_id="flow-before"),
        render.svg(new, after, title_id="flow-after"),
        sorted(_differences(found, old, new), key=lambda each: _ORDER.index(each.change)),  # and as declared
    )


def _differences(found: Comparison, old: Any, new: Any) -> Iterator[Difference]:
    nodes: Mapping[str, Any] = {**old.definition.nodes, **new.definition.nodes}
    words = {"added": _("Added"), "removed": _("Removed"), "changed": _("Changed")}
    places = {name: place for place, name in enumerate(nodes)}
    for key, change in sorted(found.changes.items(), key=lambda item: _place(item[0], places)):
        if isinstance(key, str):
            text = f"{shape_of(nodes[key]).word} “{caption(nodes[key])}”"
        elif all(name in old.definition.nodes and name in new.definition.nodes for name in key):
            text = _(
                "the way from “%(old)s” to “%(new)s”", old=caption(nodes[key[0]]), new=caption(nodes[key[1]])
            )
        else:
            continue  # a way goes with the node that it leads to
        yield Difference(change, words[change], text)


def _place(key: str | tuple[str, str], places: Mapping[str, int]) -> tuple[bool, list[int]]:
    """The nodes in their order, the ways behind them."""
    names = (key,) if isinstance(key, str) else key
    return isinstance(key, tuple), [places[name] for name in names]
