"""Reports: how much was started and finished, how long it took and where, in a period and in the one before."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from portal.models import (
    DailyDuration,
    DailyFlow,
    DailyPerson,
    DailyStep,
    Process,
    ReportPath,
    Role,
    Task,
    User,
)
from portal.models.user import user_role

from .counts import Counts, buckets, days, reading
from .report_parts import Load, Path, Report, StandIn, StepSums, Sums, Times
from .version_counts import versions

#: overdue tasks are counted so far
MOST_OVERDUE = 1000
#: the most frequent ways have a line of their own, the rest are one
MOST_PATHS = 5
#: so many people have a line
MOST_PEOPLE = 30


def report(session: Session, label: str, since: dt.date, until: dt.date, *, version: str = "") -> Report:
    """The report of a flow, beside the period before it.

    Args:
        since, until: its first and its last day.
        version: only processes that were started by the declaration with this fingerprint.
    """
    earlier = since - (until - since) - dt.timedelta(days=1)
    return reading(session, lambda counts: _report(counts, label, since, until, version, earlier))


def _report(
    counts: Counts, label: str, since: dt.date, until: dt.date, version: str, earlier: dt.date
) -> Report:
    day = dt.timedelta(days=1)
    flows = counts.sums(DailyFlow, ("day",), [label], None, until, version)
    cycles = counts.sums(DailyDuration, ("day", "bucket"), [label], earlier, until, version, kind="cycle")

    spans_of: dict[dt.date, Counter[int]] = defaultdict(Counter)
    for (on, number), numbers in cycles.items():
        spans_of[on][number] = numbers["number"]

    def sums(first: dt.date, last: dt.date) -> Sums:
        spans: Counter[int] = Counter()
        for on, found in spans_of.items():
            if first <= on <= last:
                spans.update(found)
        return _sums(flows, spans, first, last)

    steps = counts.sums(DailyStep, ("step",), [label], since, until, version)
    base = counts.sums(DailyStep, ("step",), [label], None, since - day, version)
    moves = counts.sums(DailyStep, ("step", "day"), [label], since, until, version)
    open_steps = _open_steps(base, moves, since, until)
    spans = counts.sums(
        DailyDuration, ("kind", "name", "bucket"), [label], since, until, version, kind="step"
    )
    people = counts.sums(DailyPerson, ("user_id",), [label], since, until, version)
    names, roles = _names_and_roles(counts.session, [key[0] for key in people])
    return Report(
        since, until, counts.zone.key, counts.up_to, sums(since, until), sums(earlier, since - day),
        [(first, last, sums(first, last)) for first, last in parts(since, until)],
        {key[0]: numbers for key, numbers in flows.items() if key[0] >= since},
        open_steps,
        [_step(key[0], numbers, open_steps, spans) for key, numbers in steps.items()],
        _loads(people, lambda user_id: [names.get(user_id, "")]),
        _loads(people, lambda user_id: roles[user_id]),
        _stand_ins(counts, label, since, until),
        _paths(counts, label, since, until, version),
        versions(counts.session, label)[0],
    )  # fmt: skip


def _sums(flows: Any, spans: Counter[int], first: dt.date, last: dt.date) -> Sums:
    within, ever = Counter[str](), Counter[str]()
    for (day,), numbers in flows.items():
        if day <= last:
            ever.update(numbers)
            if day >= first:
                within.update(numbers)
    return Sums(
        within["started"],
        within["finished"],
        within["cancelled"],
        within["failed"],
        _still_open(ever),
        Times.of(spans),
    )


def _still_open(numbers: Counter[str]) -> int:
    ended = numbers["finished"] + numbers["cancelled"] + numbers["failed"]
    return numbers["started"] + numbers["reopened"] - ended


def parts(since: dt.date, until: dt.date) -> list[tuple[dt.date, dt.date]]:
    """The weeks of a period, from its first day; of a long one the months."""
    found, first = [], since
    while first <= until:
        if (until - since).days < 100:
            last = first + dt.timedelta(days=6)
        else:
            last = (first.replace(day=1) + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
        found.append((first, min(last, until)))
        first = last + dt.timedelta(days=1)
    return found


def _open_steps(base: Any, moves: Any, since: dt.date, until: dt.date) -> dict[str, list[int]]:
    changes: dict[str, dict[dt.date, int]] = defaultdict(dict)
    for (step, day), numbers in moves.items():
        changes[step][day] = numbers["entered"] - numbers["left"]
    found = {}
    for step in {*changes, *(key[0] for key in base)}:
        numbers = base.get((step,), Counter())
        number = numbers["entered"] - numbers["left"]
        line = []
        for day in days(since, until):
            number += changes[step].get(day, 0)
            line.append(number)
        found[step] = line
    return found


def _step(step: str, numbers: Counter[str], open_steps: dict[str, list[int]], spans: Any) -> StepSums:
    done = numbers["done"]
    mean = 1000 * (done or 1)
    return StepSums(
        step, done, numbers["cancelled"], numbers["failed"], numbers["late"], numbers["rework"],
        open_steps[step][-1], numbers["waiting"] / mean, numbers["working"] / mean,
        Times.of(buckets(spans, lambda key: key[1] == step)),
    )  # fmt: skip


def _names_and_roles(session: Session, ids: list[int]) -> tuple[dict[int, str], dict[int, list[str]]]:
    roles: dict[int, list[str]] = defaultdict(list)
    if not ids:
        return {}, roles
    query = select(User.id, User.full_name, User.username).where(User.id.in_(ids))
    names = {user_id: full_name or username for user_id, full_name, username in session.execute(query)}
    having = (
        select(user_role.c.user_id, Role.name)
        .join(Role, Role.id == user_role.c.role_id)
        .where(user_role.c.user_id.in_(ids))
    )
    for user_id, name in session.execute(having):
        roles[user_id].append(name)
    return names, roles


def _loads(people: Any, groups: Any) -> list[Load]:
    """What was finished, by what a person belongs to; the most first."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (user_id,), numbers in people.items():
        for name in groups(user_id):
            found[name].update(numbers)
    loads = [
        Load(name, sums["done"], sums["late"], sums["working"] / (1000 * (sums["done"] or 1)))
        for name, sums in found.items()
    ]
    return sorted(loads, key=lambda load: (-load.done, load.name))[:MOST_PEOPLE]


def _stand_ins(counts: Counts, label: str, since: dt.date, until: dt.date) -> list[StandIn]:
    """Who did work for whom, the most first. Read from the tasks, of which few are done so."""
    midnight = dt.time()
    first = dt.datetime.combine(since, midnight, counts.zone)
    after = dt.datetime.combine(until + dt.timedelta(days=1), midnight, counts.zone)
    owner, away, number = aliased(User), aliased(User), func.count()
    query = (
        select(owner, away, number)
        .select_from(Task)
        .join(Process, Process.id == Task.process_id)
        .join(owner, owner.id == Task.owner_id)
        .join(away, away.id == Task.acting_for_id)
        .where(
            Task.acting_for_id.is_not(None),
            Task.status == "DONE",
            Task.finished >= first,
            Task.finished < after,
            Process.flow_label == label,
        )
        .group_by(owner.id, away.id)
        .order_by(number.desc(), owner.id, away.id)
        .limit(MOST_PEOPLE)
    )
    return [StandIn(one.name, other.name, done) for one, other, done in counts.session.execute(query)]


def _paths(counts: Counts, label: str, since: dt.date, until: dt.date, version: str) -> list[Path]:
    sums = counts.sums(DailyDuration, ("name", "bucket"), [label], since, until, version, kind="path")
    spans: dict[str, Counter[int]] = defaultdict(Counter)
    for (key, number), numbers in sums.items():
        spans[key][number] += numbers["number"]
    ranked = sorted(spans, key=lambda key: (-spans[key].total(), key))
    known = dict(counts.uncounted.paths)
    query = select(ReportPath.key, ReportPath.steps, ReportPath.ending)
    for key, steps, ending in counts.session.execute(query.where(ReportPath.key.in_(ranked[:MOST_PATHS]))):
        known[key] = (steps, ending)
    found = []
    for key in ranked[:MOST_PATHS]:
        steps, ending = known[key]
        found.append(Path(tuple(steps), ending, spans[key].total(), Times.of(spans[key])))
    rest: Counter[int] = Counter()
    for key in ranked[MOST_PATHS:]:
        rest.update(spans[key])
    return [*found, Path((), "", rest.total(), Times.of(rest))] if rest else found


def of_flows(session: Session, labels: Sequence[str], since: dt.date, until: dt.date) -> dict[str, Sums]:
    """What became of the processes of these flows in a period."""

    def read(counts: Counts) -> dict[str, Sums]:
        flows = counts.sums(DailyFlow, ("flow_label",), labels, since, until)
        ever = counts.sums(DailyFlow, ("flow_label",), labels, None, until)
        spans = counts.sums(DailyDuration, ("flow_label", "bucket"), labels, since, until, kind="cycle")
        found = {}
        for label in labels:
            numbers = flows.get((label,), Counter())
            cycle = Times.of(buckets(spans, lambda key, label=label: key[0] == label))  # type: ignore[misc]
            ended = (numbers["finished"], numbers["cancelled"], numbers["failed"])
            found[label] = Sums(numbers["started"], *ended, _still_open(ever.get((label,), Counter())), cycle)
        return found

    return reading(session, read)


def overdue(session: Session, label: str, now: dt.datetime) -> int:
    """How many open tasks of a flow are overdue; it stops counting at `MOST_OVERDUE`."""
    query = select(Task.id).join(Process, Process.id == Task.process_id)
    query = query.where(Task.finished.is_(None), Task.due < now, Process.flow_label == label)
    return session.scalar(select(func.count()).select_from(query.limit(MOST_OVERDUE).subquery())) or 0
