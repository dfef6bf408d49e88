"""The counts of reports against a reading of the whole history, on random lives."""

from __future__ import annotations

import datetime as dt
import math
import os
import random
from collections import Counter, defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.engine.reports import counting, durations
from portal.models import (
    DailyDuration,
    DailyFlow,
    DailyPerson,
    DailyStep,
    Event,
    Process,
    ReportPath,
    Task,
    db,
)
from tests.model.machine import _empty
from tests.model.managers import Meddler
from tests.model.shapes import SHAPES

CLOSED = {"DONE", "CANCELED", "REVIVED"}
OVER = {"DONE": "finished", "CANCELED": "cancelled", "FAILED": "failed"}
GATEWAYS = {"If", "Switch", "Split", "SplitFirst", "Join"}


def brute_force(session):
    """Every count, by walking through the lives of all processes one after the other."""
    session.rollback()
    found = Counter()
    events = session.scalars(select(Event).order_by(Event.id)).unique().all()
    tasks = {task.id: task for task in session.scalars(select(Task)).unique()}
    by_process, by_task = defaultdict(list), defaultdict(list)
    for event in events:
        by_process[event.process_id].append(event)
        by_task[event.task_id].append(event)
    for process in session.scalars(select(Process)).unique():
        mine = sorted(
            (task for task in tasks.values() if task.process_id == process.id), key=lambda t: t.number
        )
        version = mine[0].fingerprint
        way = []
        for event in by_process[process.id]:
            day = event.created.date()
            key = (process.flow_label, day, version)
            if event.task_id is None:
                if event.from_state is None:
                    found["flow", key, "started"] += 1
                elif event.from_state in OVER and event.to_state not in OVER:
                    found["flow", key, "reopened"] += 1
                if event.to_state in OVER and event.from_state not in OVER:
                    found["flow", key, OVER[event.to_state]] += 1
                    whole = durations.bucket((event.created - process.created).total_seconds())
                    found["path", key, tuple(way), event.to_state, whole] += 1
                    if event.to_state == "DONE":
                        found["cycle", key, whole] += 1
                continue
            task = tasks[event.task_id]
            step = (key, task.flow_task)
            before, to = event.from_state, event.to_state
            if (before is None or before in CLOSED) and (before is None or to not in CLOSED):
                found["step", step, "entered"] += 1
            if to in CLOSED and (before is None or before not in CLOSED):
                found["step", step, "left"] += 1
            twins = [t for t in mine if (t.flow_task, t.token) == (task.flow_task, task.token)]
            if before is None and event.action == "step" and twins[0] is not task:
                found["step", step, "rework"] += 1
            if to == before:
                continue
            if to == "CANCELED":
                found["step", step, "cancelled"] += 1
            if to == "ERROR":
                found["step", step, "failed"] += 1
            if to == "DONE":
                if task.flow_task_type not in GATEWAYS and way[-1:] != [task.flow_task]:
                    way.append(task.flow_task)
                late = int(task.due is not None and task.due < event.created)
                spans = Counter()
                state, since = "NEW", task.created
                for each in by_task[task.id]:
                    if each.id <= event.id:
                        kind = "waiting" if state in ("NEW", "SCHEDULED", "ERROR") else "working"
                        if state not in CLOSED:
                            spans[kind] += (each.created - since) // dt.timedelta(milliseconds=1)
                        state, since = each.to_state, each.created
                found["step", step, "done"] += 1
                found["step", step, "late"] += late
                found["step", step, "waiting"] += spans["waiting"]
                found["step", step, "working"] += spans["working"]
                span = durations.bucket((event.created - task.created).total_seconds())
                found["duration", step, span] += 1
                if event.action == "execute" and event.user_id:
                    found["person", key, event.user_id, "done"] += 1
                    found["person", key, event.user_id, "late"] += late
                    found["person", key, event.user_id, "working"] += spans["working"]
    return +found


def counted(session):
    """The same from the tables."""
    session.rollback()
    found = Counter()
    for row in session.scalars(select(DailyFlow)):
        for name in ("started", "finished", "cancelled", "failed", "reopened"):
            found["flow", (row.flow_label, row.day, row.version), name] += getattr(row, name)
    for row in session.scalars(select(DailyStep)):
        for name in (
            "entered",
            "left",
            "done",
            "cancelled",
            "failed",
            "late",
            "rework",
            "waiting",
            "working",
        ):
            key = (row.flow_label, row.day, row.version)
            found["step", (key, row.step), name] += getattr(row, name)
    for row in session.scalars(select(DailyPerson)):
        for name in ("done", "late", "working"):
            key = (row.flow_label, row.day, row.version)
            found["person", key, row.user_id, name] += getattr(row, name)
    paths = {path.key: (tuple(path.steps), path.ending) for path in session.scalars(select(ReportPath))}
    for row in session.scalars(select(DailyDuration)):
        key = (row.flow_label, row.day, row.version)
        if row.kind == "cycle":
            found["cycle", key, row.bucket] += row.number
        elif row.kind == "step":
            found["duration", (key, row.name), row.bucket] += row.number
        else:
            found["path", key, *paths[row.name], row.bucket] += row.number
    return +found


def count_all(session, limit=1000):
    """Until nothing is left; on PostgreSQL the last events are settled in the second look."""
    while counting.turn(session, limit) or counting._is_behind(session):
        pass


@settings(
    max_examples=12 if os.environ.get("CI") else 4,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(name=st.sampled_from(sorted(SHAPES)), seed=st.integers(0, 10**6), limit=st.integers(1, 40))
def test_counted_by_and_by_as_by_reading_all(tester, name, seed, limit):
    office = Meddler(tester, SHAPES[name], f"{name} {seed}")
    session = office.session
    try:
        counting.rebuild(session)
        for _ in range(5):
            office.live(6)
            for _ in range(random.Random(seed).randrange(4)):
                counting.turn(session, limit)
        count_all(session, limit)
        whole = brute_force(session)
        assert counted(session) == whole, office.story()
        counting.rebuild(session)
        assert not counted(session)
        count_all(session)
        assert counted(session) == whole
    finally:
        db.session.rollback()
        _empty(session)


@given(spans=st.lists(st.floats(0, 10**8), min_size=1), part=st.sampled_from((0.5, 0.85, 0.95)))
def test_a_percentile_of_buckets_is_near(spans, part):
    exact = sorted(spans)[max(0, math.ceil(part * len(spans)) - 1)]
    read = durations.percentile(Counter(map(durations.bucket, spans)), part)
    assert abs(read - exact) <= max(1, 0.025 * exact)
