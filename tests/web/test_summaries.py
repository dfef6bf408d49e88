"""Summaries: templates of authors, rendered where they can do no harm."""

import logging
from types import SimpleNamespace

import pytest

from portal import summaries

PROCESS = SimpleNamespace(title="<b>Bees</b>", data={"n": 1})


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("Paper {{ process.title }}", "Paper <b>Bees</b>"),
        ("<i>{{ process.data.n }}</i>", "<i>1</i>"),
        ("  two\n  lines ", "two lines"),
        ("", ""),
        ("{{ 'x' * 500 }}", "x" * 299 + "…"),
    ],
)
def test_a_summary_is_one_line_of_plain_text(source, line):
    assert summaries.render(source, process=PROCESS) == line


@pytest.mark.parametrize(
    "source",
    [
        "{{ process.missing.deeper }}",
        "{{ 1 / 0 }}",
        "{% broken",
        "{{ ''.__class__.__mro__ }}{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ process.data.update({'n': 2}) }}",
        "{{ range(999999999)|list }}",
    ],
)
def test_what_fails_shows_a_placeholder_and_is_logged(source, caplog):
    with caplog.at_level(logging.WARNING):
        assert summaries.render(source, process=PROCESS) == summaries.PLACEHOLDER
    assert caplog.records
    assert PROCESS.data == {"n": 1}
