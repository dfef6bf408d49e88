"""Random flows, driven at random, keep the engine's promises after every action."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Engine

#: how many random lives; more of them where time does not matter
EXAMPLES = int(os.environ.get("PORTAL_MODEL_EXAMPLES", "8"))
STEPS = int(os.environ.get("PORTAL_MODEL_STEPS", "15"))


def test_every_action_keeps_the_promises(tester):
    machine = type("Machine", (Engine,), {"tester": tester})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
