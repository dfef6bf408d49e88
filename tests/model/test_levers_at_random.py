"""A manager leaves steps out and moves tokens at random, beside all else that managers do, and the books stay right."""

from __future__ import annotations

import os
import random

import pytest

from tests.model.machine import _empty
from tests.model.managers import Meddler
from tests.model.shapes import LIVES, SHAPES

STEPS = int(os.environ.get("PORTAL_MODEL_STEPS", "25"))
#: how many lives of each shape, other ones each time, where somebody asks for more
ASKED = os.environ.get("PORTAL_MODEL_EXAMPLES")


@pytest.mark.parametrize("name", LIVES)
def test_no_token_is_lost_or_lives_twice(tester, name):
    seeds = [random.randrange(10**9) for _ in range(int(ASKED))] if ASKED else range(3)
    for number in seeds:
        seed = f"{name} {number}"
        office = Meddler(tester, SHAPES[name], seed)
        try:
            found = office.live(STEPS)
            assert not found, "\n".join([f"seed {seed!r}:", *found, "", office.story()])
        finally:
            _empty(office.session)
