"""The auditor: reads a database with SQL alone and says in words what cannot be so.

`faults(session)` is empty for a database in which only whole actions have been done. It knows the contract, not the
engine: rows are read as plain values, and what must hold between them is written down here a second time.
"""

from __future__ import annotations

from typing import Any

from . import calls, clocks, histories, joins, lives, races, tokens, turns
from .books import Books

CHECKS = (
    histories.replays,
    histories.steps_are_legal,
    histories.states_are_whole,
    histories.nothing_twice,
    tokens.ends_are_ends,
    tokens.tokens_are_kept,
    lives.tokens_live_once,
    joins.fire_once,
    joins.wait_for_all,
    races.one_branch_wins,
    clocks.timers_fire_once,
    clocks.events_end_with_their_host,
    clocks.attempts_are_counted,
    calls.children_fit,
    calls.callers_wait,
    turns.one_at_a_time,
)


def faults(session: Any) -> list[str]:
    """What is wrong with the rows of a database, a sentence each."""
    books = Books(session)
    return [fault for check in CHECKS for fault in check(books)]
