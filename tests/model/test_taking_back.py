"""A manager cancels, undoes and revives at random, and no token lives twice.

Each life comes from a seed: a fault tells its own, and `Office(tester, shape, seed).live(STEPS)` repeats it.
"""

from __future__ import annotations

import os
import random

import pytest

from portal.engine import obstacles
from tests.model.machine import _empty
from tests.model.managers import Office
from tests.model.shapes import LIVES, SHAPES

STEPS = int(os.environ.get("PORTAL_MODEL_STEPS", "25"))
#: how many lives of each shape, other ones each time, where somebody asks for more
ASKED = os.environ.get("PORTAL_MODEL_EXAMPLES")
#: the lives that are always led; those of `LEFT_OUT` are among them
SEEDS = {
    "join": (7, 12), "early join": (0, 3), "nested splits": (3, 7), "race": (1, 5), "deadline": (16, 24),
    "called process": (1, 17), "race of a called process": (1, 2), "empty split": (1, 4), "compensation": (1, 3),
    "all": (0, 2),
}  # fmt: skip
#: a rule of a revive, and the life that finds out that it is missing
LEFT_OUT = {
    "_overtaken": "join 12",
    "_without_origin": "nested splits 7",
    "_lost_race": "race 1",
    "_gone_on": "deadline 16",
    "_replaced": "called process 17",
    "_above": "race of a called process 1",
}


def live(tester, seed):
    """What is wrong at the end of a life, with its story."""
    office = Office(tester, SHAPES[seed.rpartition(" ")[0]], seed)
    try:
        found = office.live(STEPS)
        return found and "\n".join([f"seed {seed!r}:", *found, "", office.story()])
    finally:
        _empty(office.session)


@pytest.mark.parametrize("name", LIVES)
def test_no_token_lives_twice(tester, name):
    seeds = [random.randrange(10**9) for _ in range(int(ASKED))] if ASKED else SEEDS[name]
    for seed in seeds:
        assert not live(tester, f"{name} {seed}")


@pytest.mark.parametrize("rule", LEFT_OUT)
def test_a_rule_that_is_left_out_is_missed(tester, monkeypatch, rule):
    kept = tuple(each for each in obstacles._OF_ACTION["revive"] if each.__name__ != rule)
    monkeypatch.setitem(obstacles._OF_ACTION, "revive", kept)
    if rule == "_above":
        monkeypatch.setattr(obstacles, "_above", lambda task: iter(()))
    assert int(LEFT_OUT[rule].rpartition(" ")[2]) in SEEDS[LEFT_OUT[rule].rpartition(" ")[0]]
    assert "lives twice" in (found := live(tester, LEFT_OUT[rule])) or "go on" in found
