"""The agenda of a simulation: what happens next, and the clock at that moment."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

from portal.engine.moving_clock import clock
from portal.models import db

#: where the company works, and when
ZONE = ZoneInfo("Europe/Zurich")
_BEGINS, _ENDS = 8, 17.5

#: something that happens; it returns the root of the tree that it may have changed
Event = Callable[[], int | None]


class Agenda:
    """The events that are to come, in the order of their moments.

    Args:
        begin: when the first of them may come.
        now: the end: what comes later does not happen.
        random: decides at which minute of a day.
    """

    def __init__(self, begin: dt.datetime, now: dt.datetime, random: Random) -> None:
        self.moment, self.now = begin, now
        self._random = random
        self._events: list[tuple[dt.datetime, int, Event]] = []
        self._order = count()

    def at(self, moment: dt.datetime, event: Event) -> None:
        """Let something happen at a moment."""
        heapq.heappush(self._events, (moment, next(self._order), event))

    def after(self, span: dt.timedelta, event: Event) -> None:
        """Let something happen at work, when a span has passed."""
        self.at(self.at_work(self.moment + span), event)

    def run(self, look: Callable[[int], None]) -> None:
        """Let everything happen up to the end, under a clock that is moved.

        Args:
            look: called at the same moment with each tree that may have changed.
        """
        while self._events and self._events[0][0] <= self.now:
            self.moment, _, event = heapq.heappop(self._events)
            token = clock.set(lambda: self.moment)
            try:
                if (root := event()) is not None:
                    look(root)
            finally:
                clock.reset(token)
                db.session.expunge_all()  # or every commit looks at what earlier ones have read
        self.moment = self.now

    def at_work(self, moment: dt.datetime) -> dt.datetime:
        """This moment, or one of the next working hours."""
        local = moment.astimezone(ZONE)
        hour = local.hour + local.minute / 60
        if hour >= _ENDS or local.weekday() > 4:
            days = max(1, 7 - local.weekday()) if local.weekday() > 3 else 1
            local = (local + dt.timedelta(days=days)).replace(hour=_BEGINS, minute=0)
        elif hour < _BEGINS:
            local = local.replace(hour=_BEGINS, minute=0)
        else:
            return moment
        return (local + dt.timedelta(minutes=self._random.randrange(4, 9 * 60))).astimezone(dt.UTC)
