"""A manager cancels, undoes and revives at random, and no token lives twice.

Each life comes from a seed: a fault tells its own, and `Office(tester, shape, seed).live(STEPS)` repeats it.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.model.machine import _empty
from tests.model.managers import Office
from tests.model.shapes import SHAPES

#: how many lives of each shape: always the same few, or other ones each time where somebody asks for more
ASKED = os.environ.get("PORTAL_MODEL_EXAMPLES")
LIVES = int(ASKED or "6")
STEPS = int(os.environ.get("PORTAL_MODEL_STEPS", "30"))


@pytest.mark.parametrize("name", SHAPES)
def test_no_token_lives_twice(tester, name):
    first = random.randrange(10**9) if ASKED else 0
    for number in range(first, first + LIVES):
        seed = f"{name} {number}"
        office = Office(tester, SHAPES[name], seed)
        try:
            found = office.live(STEPS)
            assert not found, f"seed {seed!r}: " + "\n".join([*found, "", office.story()])
        finally:
            _empty(office.session)
