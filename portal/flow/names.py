"""Finds the known name that is most similar to an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(name: str | None, known: Iterable[str], closeness: float = 0.6) -> str | None:
    """The one of the known names that was probably meant.

    Args:
        closeness: how alike they have to be, from 0 to 1.
    """
    return next(iter(difflib.get_close_matches(name or "", list(known), 1, closeness)), None)


def guess(name: str | None, known: Iterable[str], prefix: str = "this.", all_known: bool = True) -> str:
    """A mend for a name that is not known, to be added to a message.

    Args:
        prefix: how the name is written.
        all_known: tell all names where none is near.
    """
    known = list(known)
    close = near(name, known)
    if close is not None:
        return f"; did you mean {prefix}{close}?"
    return f"; there are: {', '.join(known)}" if known and all_known else ""
