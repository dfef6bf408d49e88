"""The benchmark of fairness says what it counts."""

import pytest

from benchmarks import fairness


@pytest.mark.slow  # an application of its own
def test_round_robin_gives_everybody_as_much(capsys):
    fairness.main(60, ["round robin"])
    told = capsys.readouterr().out.splitlines()
    assert told[1].split()[2:6] == ["60", "30", "2", "to"]
    assert told[2].split() == [f"p{number:02}:2" for number in range(1, 31)]
