"""The tasks of one process that an action has read, indexed by node and by number."""

from __future__ import annotations

from collections import defaultdict

from portal.models import Task


class Known(dict[Task, None]):
    """Tasks in the order in which they were seen. Neither their node nor their number changes within an action."""

    def __init__(self) -> None:
        super().__init__()
        self._nodes: defaultdict[str, dict[Task, None]] = defaultdict(dict)
        self._numbers: dict[int, Task] = {}
        #: those that are not in these indexes yet: most actions never ask
        self._new: list[Task] = []

    def add(self, task: Task) -> None:
        if task not in self:
            self[task] = None
            self._new.append(task)

    def drop(self, task: Task) -> None:
        """Forget a task, which may be one that nothing can be read of any more."""
        del self[task]
        self._new = [each for each in self._new if each is not task]
        for found in self._nodes.values():
            found.pop(task, None)
        self._numbers = {number: each for number, each in self._numbers.items() if each is not task}

    def at(self, node: str) -> list[Task]:
        """Those of a node."""
        self._index()
        return list(self._nodes.get(node, ()))

    def number(self, number: int) -> Task | None:
        self._index()
        return self._numbers.get(number)

    def _index(self) -> None:
        for task in self._new:
            self._nodes[task.flow_task][task] = None
            self._numbers[task.number] = task
        self._new.clear()
