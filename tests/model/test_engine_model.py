"""Random flows, driven at random, keep the engine's promises after every action."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Engine

#: how many random lives: always the same few, or other ones each time where somebody asks for more
ASKED = os.environ.get("PORTAL_MODEL_EXAMPLES")
EXAMPLES = int(ASKED or "18")
STEPS = int(os.environ.get("PORTAL_MODEL_STEPS", "15"))


def test_every_action_keeps_the_promises(tester):
    machine = type("Machine", (Engine,), {"tester": tester})
    for last in (False, False, True):
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    derandomize=ASKED is None,
                    deadline=None,
                    database=None,
                    print_blob=False,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        except FlakyStrategyDefinition:  # the same choices met other rows: no word about what was audited
            if last:
                raise
        else:
            return
