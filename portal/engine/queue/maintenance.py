"""The periodic work beside timers and jobs. Any number of workers may do it; a row is one worker's at a time."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from portal import storage

from .. import answers, declarations, drafts, notices, outbox, search_text
from ..interpreter import conditions, messages, signals
from ..reports import counting
from . import digests, heartbeats, jobs, reminders, schedules

#: by the names of `due.FIRST`: what is done when the first row of its kind falls due
ROUNDS: dict[str, Callable[[Session], int]] = {
    "schedules": schedules.fire,
    "signals": signals.turn,
    "messages": messages.deliver,
    "reminders": reminders.turn,
    "daily mail": digests.turn,
    "conditions": conditions.ask_due,
    "lost jobs": jobs.reclaim,
}

#: what no row has a moment for, and how many seconds lie between two looks
SWEEPS: dict[str, tuple[Callable[[Session], int], float]] = {
    "expired messages": (messages.sweep, 60),
    "lost workers": (heartbeats.prune, 600),
    "sent mail and hooks": (outbox.sweep, 3600),
    "old drafts": (drafts.prune, 3600),
    "answers kept for programs": (answers.prune, 3600),
    "mail that was taken in": (answers.prune_mail, 3600),
    "old notices": (notices.sweep, 3600),
    "files of nobody": (storage.sweep, 3600),
    "what flows look like": (declarations.keep, 3600),
    "figures of reports": (counting.sweep, 10),
    "processes without a text to search": (search_text.fill_in, 10),
}
