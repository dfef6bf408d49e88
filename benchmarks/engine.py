"""Processes a second, beside the floor: the same rows written by hand, in as few statements as can be.

python benchmarks/engine.py
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

from floor import Human, straight, task_of
from places import places
from sqlalchemy import inspect

from portal import flow, this
from portal.engine import actions
from portal.models import create_user, db

#: seconds that each measurement runs
SECONDS = 3.0
BRANCHES = 10


def nothing(activation: Any) -> None: ...


class StraightFlow(flow.Flow):
    """Five steps of code in a row"""

    start = flow.StartHandle().Next(this.first)
    first = flow.Function(nothing).Next(this.second)
    second = flow.Function(nothing).Next(this.third)
    third = flow.Function(nothing).Next(this.end)
    end = flow.End()


class HumanFlow(flow.Flow):
    """One task of a person: started, taken, done"""

    start = flow.StartHandle().Next(this.approve)
    approve = flow.ManualTask().Next(this.end)
    end = flow.End()


class FanOutFlow(flow.Flow):
    """Ten branches and a join"""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(
        this.work, task_data_source=lambda activation: [{"number": i} for i in range(BRANCHES)]
    )
    work = flow.Function(nothing).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


class ChildFlow(flow.Flow):
    """What the subprocess does"""

    start = flow.StartHandle().Next(this.work)
    work = flow.Function(nothing).Next(this.end)
    end = flow.End()


class ParentFlow(flow.Flow):
    """A process in a process"""

    start = flow.StartHandle().Next(this.child)
    child = flow.Subprocess(ChildFlow.start).Next(this.end)
    end = flow.End()


def main() -> None:
    print(f"{'':24}{'engine':>10}{'floor':>10}   processes a second; the engine takes so many times as long")
    for name, _ in places([__name__]):
        bob_id = create_user("bob", is_superuser=True).id
        for what, engine, floor in (
            ("straight", StraightFlow.start.run, straight(StraightFlow.start.run().id)),
            ("human", functools.partial(human, bob_id), Human(human(bob_id), bob_id).whole),
            ("fan-out", FanOutFlow.start.run, straight(FanOutFlow.start.run().id)),
            ("subprocess", ParentFlow.start.run, straight(ParentFlow.start.run().id)),
        ):
            fast, slow = per_second(floor, engine)
            print(f"{name + ', ' + what:24}{slow:10.0f}{fast:10.0f}{fast / slow:10.1f} times")


def per_second(*calls: Callable[[], Any]) -> list[float]:
    """How often each can be done; they take turns, so that a busy machine slows all of them down alike."""
    times: list[list[float]] = [[] for _ in calls]
    end = time.perf_counter() + SECONDS * len(calls)
    while time.perf_counter() < end or len(times[0]) < 10:
        for call, taken in zip(calls, times, strict=True):
            before = time.perf_counter()
            call()
            taken.append(time.perf_counter() - before)
    return [1 / statistics.median(taken[3:]) for taken in times]


def human(bob_id: int) -> int:
    process = HumanFlow.start.run()
    session = db.session()
    key: int = inspect(process).identity[0]
    task_id = session.scalars(task_of(key)).one()
    for action in ("assign", "execute"):
        with actions.activation(session, task_id, bob_id) as activation:
            getattr(activation, action)(*([activation.user] if action == "assign" else []))
    session.expunge_all()
    return key


if __name__ == "__main__":
    main()
