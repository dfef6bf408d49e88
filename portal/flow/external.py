"""`ExternalTask`: a task that programs elsewhere fetch, lock and complete."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .automatic import TakesKeywords, tries_faults, wait_after
from .base import Call
from .boundary import Activity
from .outcome import Outcome, Wait
from .permitted import Permitted

if TYPE_CHECKING:
    from .activation import Activation

#: characters of a topic
LONGEST = 150


class ExternalTask(TakesKeywords, Permitted, Activity):
    """Work of a program elsewhere, which fetches and locks it by the API. BPMN: service task.

    Who manages the flow may work on it, and who holds the permission that `.Permission(…)` names.

    Args:
        topic: what programs ask for.
        func: called with the activation and, as keywords, the data with which the task is completed. Without one the
            data are written to the fields of the process that they name.
        retries: tries after the first one; a worker may say otherwise when it reports a failure.
        backoff: the wait before a retry, as of a `Job`.
        undo_func: called with the activation before the task is undone.
    """

    def __init__(
        self,
        topic: str,
        func: Call | None = None,
        *,
        retries: int = 0,
        backoff: dt.timedelta | Callable[[int], dt.timedelta] = dt.timedelta(seconds=10),
        undo_func: Call | None = None,
    ) -> None:
        super().__init__()
        self.topic, self.func, self.retries, self.backoff = topic, func, retries, backoff
        self._undo = undo_func

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self.topic, str) or not self.topic.strip() or len(self.topic) > LONGEST:
            yield f"ExternalTask(topic) takes a text of 1 to {LONGEST} characters, not {self.topic!r}"
        if self._permission_obj is not None:
            yield ".Permission(obj=…) is for people's tasks; programs hold the permission itself"
        yield from tries_faults(self)

    def enter(self, activation: Activation) -> Outcome:
        return Wait("SCHEDULED", until=activation.now, awaits=awaited(self.topic), permission=self.permission)

    def wait_after(self, tries: int, jitter: float) -> dt.timedelta:
        """How long to wait when this many tries have failed; `jitter` is between 0 and 1."""
        return wait_after(self.backoff, tries, jitter)


def awaited(topic: Any) -> str:
    """What a task with this topic waits for."""
    return f"topic:{topic}"
