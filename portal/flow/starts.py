"""Start nodes without a form: started by code, or on a schedule."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, overload

from portal.working_time import WorkingTime

from . import runtime
from .automatic import HandleCall, K, R, TakesKeywords
from .base import Call, NextNode
from .names import guess
from .reference import Reference
from .times import is_span

if TYPE_CHECKING:
    from portal.models import Process, User

    from .activation import Activation


class StartHandle(TakesKeywords, Generic[R, K]):
    """Code starts a process: `MyFlow.node.run(**kwargs)`.

    Args:
        func: called with the activation and the keywords of `run`, which returns what it returns; without one
            `run` returns the process.
    """

    starts: ClassVar[bool] = True

    @overload
    def __init__(
        self: StartHandle[Process, ...], func: None = None, *, undo_func: Call | None = None
    ) -> None: ...
    @overload
    def __init__(self: StartHandle[Any, ...], func: Reference, *, undo_func: Call | None = None) -> None: ...
    @overload
    def __init__(
        self, func: Callable[Concatenate[Activation[Any], K], R], *, undo_func: Call | None = None
    ) -> None: ...

    def __init__(self, func: HandleCall | None = None, *, undo_func: Call | None = None) -> None:
        super().__init__()
        self.func = func
        self._undo = undo_func

    @overload
    def run(self, *args: K.args, **kwargs: K.kwargs) -> R: ...
    @overload
    def run(self, *, _user: User | int | None, _propagate: bool = False, **kwargs: Any) -> R: ...
    @overload
    def run(self, *, _propagate: bool, **kwargs: Any) -> R: ...

    # A `ParamSpec` brings positional parameters; there are none at run time.
    def run(self, **kwargs: Any) -> R:  # type: ignore[misc]
        """Start a process.

        Args:
            kwargs: passed to the function. `_user=` is who starts it, a user or an id; the system when it is left
                out. `_propagate=True` raises what a later node raises, and takes all of it back, instead of recording
                it.

        Returns:
            What the function returns; the process, if there is no function.

        Raises:
            UnsavedChanges: the session holds changes that are not saved.
        """
        result: R = runtime.actions().start(self, kwargs)
        return result


class StartTimer(NextNode):
    """Starts a process on a schedule, once for each due moment. BPMN: timer start event.

    What was missed, while nothing ran, is made up by one start.

    Args:
        interval: the first start is one interval after the flow is first seen.
        cron: five fields, such as `"0 8 * * mon-fri"`.
        timezone: of the cron fields; UTC otherwise.
    """

    starts: ClassVar[bool] = True
    schedules: ClassVar[bool] = True

    def __init__(
        self,
        interval: dt.timedelta | WorkingTime | None = None,
        cron: str | None = None,
        timezone: str = "UTC",
    ) -> None:
        super().__init__()
        self.interval, self.cron, self.timezone = interval, cron, timezone

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if (self.interval is None) == (self.cron is None):
            yield 'StartTimer() takes either interval= or cron=; write cron="0 8 * * mon-fri", say'
        elif self.interval is not None and not is_span(self.interval):
            number = self.interval if isinstance(self.interval, int | float) else 3600
            mend = f"write timedelta(seconds={number})"
            yield f"interval= is a positive timedelta, or working time, not {self.interval!r}; {mend}"
        elif self.cron is not None and len(str(self.cron).split()) != 5:
            yield f'cron= has five fields (minute hour day month weekday), not {self.cron!r}; write "0 3 * * *", say'
        elif self.cron is not None:
            yield from _cron_faults(self.cron.split())
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError):
            mend = guess(str(self.timezone), zoneinfo.available_timezones(), "", all_known=False)
            yield f"timezone= names no time zone: {self.timezone!r}{mend or '; write Europe/Zurich, say'}"


_MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
#: the fields of a cron line: their names, from and to which number, and the words for numbers
_CRON: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, _DAYS),
)


def _cron_faults(fields: list[str]) -> Iterator[str]:
    for text, (name, low, high, words) in zip(fields, _CRON, strict=True):
        known = {str(number): number for number in range(low, high + 1)}
        known |= {f"{number:02}": number for number in known.values()}
        known |= {word: number for number, word in enumerate(words) if word}
        known |= {"last": high} if name == "day of the month" else {}
        for part in text.lower().split(","):
            found = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/0*([1-9]\d*))?", part)
            if found is None or not {found[1], found[2]} - {None} <= known.keys():
                said = f" or {', '.join(filter(None, words))}" if words else ""
                yield f"cron= has {text!r} for its {name}; write {low} to {high}{said}, or *"
                break
