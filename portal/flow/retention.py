"""Rules of retention: when finished processes are archived, anonymised or deleted."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

What = Literal["archive", "anonymise", "delete"]
#: the states of a process that is over
OVER = frozenset(("DONE", "CANCELED", "FAILED"))
_RULE = re.compile(
    r"(?P<label>\w+)\s*:\s*(?:keep|(?P<then>archive|anonymise|delete)\s+after\s+(?P<days>\d{1,5})\s+days?"
    r"(?:\s+if\s+(?P<outcome>\w+(?:\s+or\s+\w+)*))?)"
)


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


def parse(text: str) -> dict[str, tuple[Retention, ...]]:
    """Rules by the labels of their flows, from a text such as `leave_request: archive after 365 days if DONE;
    hello_world: delete after 30 days`. `label: keep` leaves a flow without rules.

    Raises:
        ValueError: it cannot be read.
    """
    found: dict[str, tuple[Retention, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        label, rule = _parse_one(part)
        found[label] = found.get(label, ()) + (() if rule is None else (rule,))
    return found


def _parse_one(text: str) -> tuple[str, Retention | None]:
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is no rule such as `leave_request: archive after 365 days if DONE or CANCELED`"
        )
    if match["then"] is None:
        return match["label"], None
    outcome = frozenset(re.split(r"\s+or\s+", match["outcome"])) if match["outcome"] else OVER
    then: Any = match["then"]
    return match["label"], Retention(dt.timedelta(days=int(match["days"])), then, outcome)
