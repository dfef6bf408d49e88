"""What a node answers the engine when a token enters it or its wait is over: `Done` or `Wait`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Edge


@dataclass(frozen=True, slots=True)
class Way:
    """One edge taken, with what the next task gets."""

    edge: Edge
    data: Mapping[str, Any] | None = None
    seed: Any = None


@dataclass(frozen=True, slots=True)
class Done:
    """The task is done, and the token goes these ways. None at all is the end of its path."""

    ways: tuple[Way, ...] = ()
    #: every way is a branch with a token of its own
    splits: bool = False
    #: the ways belong to a split that had nothing to do
    empty: bool = False
    #: `terminate` ends the whole process as done, `error` as failed
    finishes: str | None = None
    #: what a failed end says
    code: str | None = None
    #: news for every task, of any process, that waits for them
    signals: tuple[str, ...] = ()
    #: a code for the nearest process above that listens
    escalates: str | None = None
    #: the names of nodes whose open tasks are cancelled
    cancels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """The task waits, in this state, for a person, the clock or other code."""

    #: NEW for a person's task, SCHEDULED for the clock, STARTED for everything else
    status: str
    #: when the clock turns to it
    until: dt.datetime | None = None
    #: what it waits for, for those who look for waiting tasks
    awaits: str | None = None
    #: a user, a user's id or a user name
    owner: Any = None
    permission: str | None = None
    permission_obj: str | None = None
    due: dt.datetime | None = None
    priority: int = 0
    #: branches that start at once, while the task waits for the first of them
    ways: tuple[Way, ...] = ()
    #: child processes to start: the start node and its keywords
    children: tuple[tuple[Any, Mapping[str, Any]], ...] = ()
    #: take back what has been done, last things first, and go on then
    compensates: bool = False


Outcome = Done | Wait
