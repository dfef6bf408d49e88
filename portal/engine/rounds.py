"""What workers look after beside timers and jobs: any number of them may, each row is one worker's at a time."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from . import conditions, drafts, jobs, messages, reminders, schedules, signals, workers

#: what is done, and how many seconds lie between two looks
ROUNDS: tuple[tuple[Callable[[Session], int], float], ...] = (
    (schedules.fire, 0.5),
    (signals.turn, 0.5),
    (messages.deliver, 1),
    (reminders.turn, 1),
    (conditions.ask_due, 1),
    (jobs.reclaim, 5),
    (messages.sweep, 60),
    (workers.prune, 600),
    (drafts.prune, 3600),
)
