"""All rows of a database, and how they hang together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from typing import Any

from sqlalchemy import select

from portal.flow.registry import registry
from portal.models import Event, Process, Task
from portal.models.task import task_link

#: the states of a process that is over
OVER = ("DONE", "CANCELED", "FAILED")
#: how a token goes to another node than the one that comes next
MOVED = ("migrate", "move")


class Books:
    """All rows, and how they hang together."""

    def __init__(self, session: Any) -> None:
        def read(model: Any) -> list[Any]:
            return list(session.execute(select(model.__table__).order_by(model.__table__.c.id)))

        self.processes = {row.id: row for row in read(Process)}
        self.tasks = {row.id: row for row in read(Task)}
        self.events = read(Event)
        self.before: dict[int, list[Any]] = defaultdict(list)
        self.after: dict[int, list[Any]] = defaultdict(list)
        for new, old in session.execute(select(task_link.c.task_id, task_link.c.previous_id)):
            self.before[new].append(self.tasks[old])
            self.after[old].append(self.tasks[new])

    @cached_property
    def of_process(self) -> dict[int, list[Any]]:
        return _grouped(self.tasks.values(), lambda task: task.process_id)

    @cached_property
    def children(self) -> dict[int | None, list[Any]]:
        return _grouped(self.processes.values(), lambda process: process.parent_task_id)

    @cached_property
    def history(self) -> dict[int | None, list[Any]]:
        """The rows of a task's history."""
        return _grouped(self.events, lambda event: event.task_id)

    @cached_property
    def process_history(self) -> dict[int, list[Any]]:
        own = (event for event in self.events if event.task_id is None)
        return _grouped(own, lambda event: event.process_id)

    def node(self, task: Any) -> Any:
        """The node of a task; None if the code has none of that name and kind any more."""
        flow_class = registry.get(self.processes[task.process_id].flow_label)
        node = None if flow_class is None else flow_class.definition.nodes.get(task.flow_task)
        return node if node is not None and node.kind == task.flow_task_type else None

    def is_current(self, task: Any) -> bool:
        """Whether the declaration that made a task is the one that is there."""
        flow_class = registry.get(self.processes[task.process_id].flow_label)
        return flow_class is not None and flow_class.definition.fingerprint == task.fingerprint

    def has_moved(self, task: Any) -> bool:
        return task.status == "CANCELED" and self.history[task.id][-1].action in MOVED

    def name(self, task: Any) -> str:
        process = self.processes[task.process_id]
        return f"process {process.id} ({process.flow_label}), task {task.number} ({task.flow_task})"

    def copies(self, old: Any) -> list[Any]:
        """The fresh copies of a task that was revived, or moved to another node; both, where what it was moved to was
        taken back."""
        return self._copies(old) if old.status in ("CANCELED", "REVIVED") else []

    def _copies(self, old: Any) -> list[Any]:
        """Also those of a caller that was moved and has come back with what it had called."""
        revived = {event.created for event in self.history[old.id] if event.action == "revive"}
        moved = {event.created for event in self.history[old.id] if event.action in MOVED}
        return [
            task
            for task in self.after[old.id]
            if task.token == old.token
            and (task.created in moved or (task.created in revived and task.flow_task == old.flow_task))
        ]

    def followers(self, task: Any) -> list[Any]:
        """What comes after a task: not its own fresh copy, once for what was itself copied, and once for the joins
        that its branch met at when one after the other was taken back."""
        after = self.after[task.id]
        copied = [*self._copies(task), *(copy for old in after for copy in self._copies(old))]
        found: dict[Any, Any] = {}
        for each in sorted(after, key=lambda each: each.id):
            if each not in copied:
                meets = getattr(self.node(each), "merges", False)
                found.setdefault((each.flow_task, each.token, each.awaits) if meets else each.id, each)
        return list(found.values())

    @cached_property
    def by_number(self) -> dict[tuple[int, int], Any]:
        return {(task.process_id, task.number): task for task in self.tasks.values()}

    def branch_of(self, task: Any, split: int) -> str | None:
        """The branch of a split that a task is on, also where its long path names it no more; None if on none."""
        path = task.token
        while True:
            parts = [part.partition("_") for part in path.split("/")[1:] if not part.startswith("~")]
            for number, _, branch in parts:
                if number == str(split):
                    return str(branch)
            if "/~" not in path:
                return None
            path = self.by_number[task.process_id, int(parts[0][0])].token

    def times(self, task: Any, state: str) -> int:
        return sum(event.to_state == state for event in self.history[task.id])


def _grouped(rows: Any, key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups
