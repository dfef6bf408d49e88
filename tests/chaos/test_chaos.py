"""About a minute of chaos: thirty kills, and nothing lost, nothing twice. `python -m tests.chaos` runs it by hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not os.environ.get("CI") and not os.environ.get("PORTAL_CHAOS"),
    reason="chaos takes minutes: set PORTAL_CHAOS=1, or run python -m tests.chaos",
)


def test_nothing_is_lost_and_nothing_happens_twice() -> None:
    from tests.chaos.run import run

    report = run(45, 30)
    print("\n".join(report.lines()))
    assert not report.faults, f"python -m tests.chaos --minutes 0.75 --kills 30 --seed {report.seed}"
    assert report.said.executed
    assert sum(report.kills.values()) == 30


def test_the_breaks_are_those_that_can_be_chosen() -> None:
    words = (Path(__file__).parent / "__main__.py").read_text()
    from tests.chaos.breaks import BREAKS

    assert "|".join(sorted(BREAKS)) in words
