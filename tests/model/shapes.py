"""Small flows in which a token can be in two places: where branches meet, race, are interrupted or are called."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from portal import flow, this


def work(then: Any) -> Any:
    return flow.ManualTask().Next(then)


class MeetFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.one).Next(this.two).Next(this.three)
    one = work(this.join)
    two = work(this.join)
    three = work(this.join)
    join = flow.Join().Next(this.pay)
    pay = flow.Function(this.do_pay).Next(this.end)
    end = flow.End()

    def do_pay(self, activation: Any) -> None:
        activation.process.data["paid"] = activation.process.data.get("paid", 0) + 1


class EarlyFlow(flow.Flow):
    """Its join goes on with the first branch; the others arrive silently."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.one).Next(this.two).Next(this.join)
    one = work(this.join)
    two = work(this.join)
    join = flow.Join(count=2, cancel_active=False).Next(this.last)
    last = work(this.end)
    end = flow.End()


class NestedFlow(flow.Flow):
    start = flow.StartHandle().Next(this.outer)
    outer = flow.Split().Next(this.inner).Next(this.other)
    inner = flow.Split().Next(this.a).Next(this.b)
    a = work(this.inner_join)
    b = work(this.inner_join)
    inner_join = flow.Join().Next(this.between)
    between = work(this.outer_join)
    other = work(this.outer_join)
    outer_join = flow.Join().Next(this.end)
    end = flow.End()


class RaceFlow(flow.Flow):
    start = flow.StartHandle().Next(this.race)
    race = flow.SplitFirst().Next(this.first).Next(this.second)
    first = work(this.after)
    second = work(this.after)
    after = work(this.end)
    end = flow.End()


class DeadlineFlow(flow.Flow):
    start = flow.StartHandle().Next(this.before)
    before = work(this.ask)
    ask = (
        flow.ManualTask()
        .OnTimeout(dt.timedelta(days=1), this.remind, interrupting=False)
        .OnTimeout(dt.timedelta(days=2), this.late)
        .Next(this.end)
    )
    remind = work(this.end)
    late = work(this.end)
    end = flow.End()


class CalledFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.ManualTask().Next(this.end)
    end = flow.End()


class CallerFlow(flow.Flow):
    start = flow.StartHandle().Next(this.before)
    before = work(this.call)
    call = flow.Subprocess(CalledFlow.start).OnTimeout(dt.timedelta(days=1), this.late).Next(this.after)
    after = work(this.end)
    late = work(this.end)
    end = flow.End()


class RacingCallFlow(flow.Flow):
    start = flow.StartHandle().Next(this.race)
    race = flow.SplitFirst().Next(this.call).Next(this.second)
    call = flow.Subprocess(CalledFlow.start).Next(this.end)
    second = work(this.end)
    end = flow.End()


class EmptyFlow(flow.Flow):
    """Its split has nothing to do, and goes straight to its join."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.item, task_data_source=lambda activation: [])
    item = work(this.join)
    join = flow.Join().Next(this.last)
    last = work(this.end)
    end = flow.End()


class TakenBackFlow(flow.Flow):
    start = flow.StartHandle().Next(this.one)
    one = flow.ManualTask().CompensateWith(this.undo_one).Next(this.two)
    two = flow.ManualTask().CompensateWith(this.undo_two).Next(this.back)
    undo_one = flow.ManualTask()
    undo_two = flow.ManualTask()
    back = flow.CompensateThrow().Next(this.end)
    end = flow.End()


class AllFlow(flow.Flow):
    """A race and a host with deadlines on the branches of a split."""

    start = flow.StartHandle().Next(this.outer)
    outer = flow.Split().Next(this.race).Next(this.ask).Next(this.other)
    race = flow.SplitFirst().Next(this.first).Next(this.inner)
    first = work(this.raced)
    inner = flow.SplitFirst().Next(this.second).Next(this.third)
    second = work(this.raced)
    third = work(this.raced)
    raced = work(this.join)
    ask = (
        flow.ManualTask()
        .OnTimeout(dt.timedelta(days=1), this.remind, interrupting=False)
        .OnTimeout(dt.timedelta(days=2), this.late)
        .Next(this.join)
    )
    remind = work(this.join)
    late = work(this.join)
    other = flow.Function(lambda activation: 1 / 0).OnError(this.mend).Next(this.join)
    mend = work(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


#: what a manager meets, by the name that a test has for it
SHAPES = {
    "join": MeetFlow, "early join": EarlyFlow, "nested splits": NestedFlow, "race": RaceFlow,
    "deadline": DeadlineFlow, "called process": CallerFlow, "race of a called process": RacingCallFlow,
    "empty split": EmptyFlow, "compensation": TakenBackFlow, "all": AllFlow,
}  # fmt: skip

#: what lives are led of: of all pieces together in every run, of each of the others in the slow ones
LIVES = [name if name == "all" else pytest.param(name, marks=pytest.mark.slow) for name in SHAPES]
