"""What a report of a flow is made of, as frozen values."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from portal.engine.reports.durations import percentile

from .version_counts import Version


@dataclass(frozen=True)
class Times:
    """How long it took, in seconds, each at most 2.5 % off; None where there is nothing."""

    number: int = 0
    p50: float | None = None
    p85: float | None = None
    p95: float | None = None

    @classmethod
    def of(cls, spans: Counter[int]) -> Times:
        return cls(spans.total(), *(percentile(spans, part) for part in (0.5, 0.85, 0.95)))


@dataclass(frozen=True)
class Sums:
    """What became of processes in a period. `open` is at its end."""

    started: int
    finished: int
    cancelled: int
    failed: int
    open: int
    cycle: Times


@dataclass(frozen=True)
class StepSums:
    """What became of the tasks of a step. `waiting` and `working` are means of those done, in seconds."""

    step: str
    done: int
    cancelled: int
    failed: int
    late: int
    rework: int
    open: int
    waiting: float
    working: float
    time: Times


@dataclass(frozen=True)
class Load:
    """What a person or a role finished; `working` is the mean from taking it on, in seconds."""

    name: str
    done: int
    late: int
    working: float


@dataclass(frozen=True)
class StandIn:
    """How many tasks somebody finished in place of somebody who was away."""

    name: str
    away: str
    done: int


@dataclass(frozen=True)
class Path:
    """A way that processes went: names of steps, and how it ended. The rest have no steps and no ending."""

    steps: tuple[str, ...]
    ending: str
    number: int
    time: Times


@dataclass(frozen=True)
class Report:
    """A flow in a period.

    Attributes:
        flow_days: what became of processes, by day.
        open_steps: the open tasks of each step at the end of each day.
        up_to: what happened later is not in it yet; None if all is.
    """

    since: dt.date
    until: dt.date
    zone: str
    up_to: dt.datetime | None
    sums: Sums
    before: Sums
    parts: list[tuple[dt.date, dt.date, Sums]]
    flow_days: dict[dt.date, Counter[str]]
    open_steps: dict[str, list[int]]
    steps: list[StepSums]
    people: list[Load]
    roles: list[Load]
    stand_ins: list[StandIn] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
