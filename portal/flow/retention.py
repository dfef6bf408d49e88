"""What becomes of processes when they have been over for a while."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

What = Literal["archive", "anonymise", "delete"]
#: the states of a process that is over
OVER = frozenset(("DONE", "CANCELED", "FAILED"))


@dataclass(frozen=True)
class Retention:
    """A rule for the processes of a flow that are over.

    Args:
        after: for how long they have been over.
        then: `archive` writes them to a file in the storage and deletes them, `anonymise` empties their fields, remarks
            and files and keeps their history without persons, `delete` deletes them.
        outcome: the states that it is for, of `DONE`, `CANCELED` and `FAILED`; all of them when it is left out.

    Raises:
        ValueError: `then` or an outcome is none of these, or `after` is not positive.
    """

    after: dt.timedelta
    then: What
    outcome: Collection[str] = OVER

    def __post_init__(self) -> None:
        if not isinstance(self.after, dt.timedelta) or self.after <= dt.timedelta(0):
            raise ValueError(f"after= takes a positive timedelta, not {self.after!r}")
        if self.then not in get_args(What):
            raise ValueError(f"then= is one of {', '.join(get_args(What))}, not {self.then!r}")
        if isinstance(self.outcome, str) or not self.outcome or not set(self.outcome) <= OVER:
            raise ValueError(f"outcome= takes some of {', '.join(sorted(OVER))}, not {self.outcome!r}")
