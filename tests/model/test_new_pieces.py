"""The engine behaves the same where the path of a token goes on in a new piece: here every split begins one."""

from __future__ import annotations

import pytest

from portal import flow, this
from portal.engine.interpreter import token
from tests.model import test_taking_back
from tests.model.shapes import LIVES

#: the shortest path is `start`: a longer one goes on in a new piece
SHORTEST = len(token.ROOT)


@pytest.fixture(autouse=True)
def _pieces(monkeypatch):
    monkeypatch.setattr(token, "LENGTH", SHORTEST)


class RaceInRaceFlow(flow.Flow):
    """A race on a branch of a race, and both on one of a split: the innermost first step decides both."""

    start = flow.StartHandle().Next(this.both)
    both = flow.Split().Next(this.outer).Next(this.beside)
    beside = flow.Handle().Next(this.join)
    outer = flow.SplitFirst().Next(this.inner).Next(this.other)
    inner = flow.SplitFirst().Next(this.a).Next(this.b)
    other = flow.SplitFirst().Next(this.c).Next(this.d)
    a = flow.Handle().Next(this.join)
    b = flow.Handle().Next(this.join)
    c = flow.Handle().Next(this.join)
    d = flow.Handle().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


@pytest.mark.parametrize("length", [SHORTEST, 12, 20, 150])
@pytest.mark.parametrize(("winner", "race"), [("a", "inner"), ("d", "other")])
def test_a_step_of_a_race_in_a_race_decides_both(flow_tester, monkeypatch, length, winner, race):
    monkeypatch.setattr(token, "LENGTH", length)
    run = flow_tester(RaceInRaceFlow)
    run.start()
    run.handle(winner)
    done = {task.flow_task: task.status for task in run.process.tasks}
    assert {name for name in ("inner", "other", "a", "b", "c", "d") if done[name] == "DONE"} == {winner, race}
    assert {name for name in ("inner", "other", "a", "b", "c", "d") if done[name] == "CANCELED"} == (
        {"inner", "other", "a", "b", "c", "d"} - {winner, race}
    )
    assert done["outer"] == "DONE"
    run.handle("beside")
    assert run.process.status == "DONE"
    assert run.path.count("end") == 1


@pytest.mark.parametrize("name", LIVES)
def test_no_token_lives_twice(tester, name):
    for seed in test_taking_back.SEEDS[name]:
        assert not test_taking_back.live(tester, f"{name} {seed}")
