"""About a minute of chaos: thirty kills, and nothing lost, nothing twice. `python -m tests.chaos` runs it by hand."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: the longest that a slow machine may take to come up, work, settle and be read
PATIENCE = 1500


def test_nothing_is_lost_and_nothing_happens_twice(record_property: Callable[[str, object], None]) -> None:
    """In a process of its own, where the flows of chaos keep no other test's company."""
    command = [sys.executable, "-m", "tests.chaos", "--minutes", "0.75", "--kills", "30"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        try:
            said, _ = run.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGINT)  # it takes its machines with it
            said, _ = run.communicate()
    record_property("chaos", [line for line in said.splitlines() if re.match(r"[a-z ]{15} ", line)])
    assert run.returncode == 0, said
    assert re.search(r"^killed +30:", said, re.MULTILINE)
    assert re.search(r"a program [1-9]\d* starts", said)


def test_the_breaks_are_those_that_can_be_chosen() -> None:
    from tests.chaos.breaks import BREAKS

    assert "|".join(sorted(BREAKS)) in (Path(__file__).parent / "__main__.py").read_text()
