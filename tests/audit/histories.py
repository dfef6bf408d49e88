"""The history and the states beside it."""

from __future__ import annotations

from collections.abc import Iterator

from portal.engine import lifecycle

from .books import OVER, Books

#: what a state can become without a person, by the actions that the engine writes for itself
BY_ITSELF: dict[str | None, set[str]] = {
    None: {"NEW", "SCHEDULED", "STARTED", "DONE", "ERROR", "CANCELED"},
    "NEW": {"ASSIGNED", "ERROR", "CANCELED"},
    "ASSIGNED": {"DONE", "ERROR", "CANCELED"},
    "SCHEDULED": {"STARTED", "DONE", "ERROR", "CANCELED"},
    "STARTED": {"NEW", "STARTED", "SCHEDULED", "DONE", "ERROR", "CANCELED"},
    "ERROR": {"CANCELED"},
}
ENGINE = ("start", "step", "timer", "signal", "message", "job", "migrate")
#: what an action may do beside its row in the table: a failed form, a task given by a rule, a child that is back
BESIDE = {
    ("execute", "ASSIGNED", "ERROR"),
    ("execute", "ASSIGNED", "CANCELED"),
    *(("help", state, state) for state in ("NEW", "ASSIGNED")),
    *(("assign", "NEW", "ASSIGNED"), ("migrate", "NEW", "ASSIGNED")),
    *((action, state, "STARTED") for action in ("undo", "revive") for state in ("DONE", "ERROR", "CANCELED")),
    *(("undo", state, "CANCELED") for state in lifecycle.OPEN),
    *(("withdraw", state, "CANCELED") for state in lifecycle.OPEN),
    # what is behind a step that was left out cannot be prepared
    *(
        ("skip", state, to)
        for state in ("NEW", "ASSIGNED", "SCHEDULED", "ERROR")
        for to in ("ERROR", "CANCELED")
    ),
}


def replays(books: Books) -> Iterator[str]:
    """The history, replayed from its first row, gives every state."""
    subjects = [(books.name(task), task, books.history[task.id]) for task in books.tasks.values()]
    for process in books.processes.values():
        subjects.append((f"process {process.id}", process, books.process_history[process.id]))
    for name, row, history in subjects:
        state = None
        for event in history:
            if event.from_state != state:
                yield f"{name}: event {event.id} goes on from {event.from_state}, but the state was {state}"
            state = event.to_state
        if state != row.status:
            yield f"{name}: is {row.status}, but its history ends with {state}"
    for process in books.processes.values():
        numbers = [task.number for task in books.of_process[process.id]]
        if sorted(numbers) != list(range(1, process.task_count + 1)):
            yield f"process {process.id}: has tasks {sorted(numbers)}, but counts {process.task_count}"


def steps_are_legal(books: Books) -> Iterator[str]:
    """Each change of a task's state is one that the table of a task's life allows."""
    for task in books.tasks.values():
        node = books.node(task)
        for event in books.history[task.id]:
            action, before, to = event.action, event.from_state, event.to_state
            rule = lifecycle.ACTIONS.get(action)
            ruled = rule is not None and before in rule.source and to == (rule.target or before)
            if ruled and rule.human and node is not None and not node.human:
                yield f"{books.name(task)}: {action}, but it is not a person's task"
            by_itself = action in (*ENGINE, *lifecycle.ACTIONS) and to in BY_ITSELF.get(before, ())
            engines = by_itself and (action in ENGINE or before is None)
            if not (ruled or engines or (action, before, to) in BESIDE):
                yield f"{books.name(task)}: {action} led from {before} to {to}"
            if to == "STARTED" and before in ("DONE", "ERROR", "CANCELED") and not books.children[task.id]:
                yield f"{books.name(task)}: back to STARTED, but it has no child"


def states_are_whole(books: Books) -> Iterator[str]:
    """Columns agree with the state that they stand beside."""
    for task in books.tasks.values():
        if (task.finished is not None) != (task.status in lifecycle.CLOSED):
            yield f"{books.name(task)}: is {task.status}, and finished is {task.finished}"
        if task.status == "ASSIGNED" and task.owner_id is None:
            yield f"{books.name(task)}: is ASSIGNED to nobody"
        if task.status == "NEW" and task.owner_id is not None:
            yield f"{books.name(task)}: is NEW and has an owner"
        if task.status == "SCHEDULED" and task.scheduled is None:
            yield f"{books.name(task)}: is SCHEDULED for no moment"
        if task.status == "ERROR" and "_exception" not in task.data:
            yield f"{books.name(task)}: is ERROR without an exception"
    for process in books.processes.values():
        if (process.finished is not None) != (process.status in OVER):
            yield f"process {process.id}: is {process.status}, and finished is {process.finished}"


def nothing_twice(books: Books) -> Iterator[str]:
    """Nothing is completed twice; only a caller whose child came back may be done again."""
    for task in books.tasks.values():
        done = False
        for event in books.history[task.id]:
            if event.to_state == "DONE" and done:
                yield f"{books.name(task)}: DONE {books.times(task, 'DONE')} times"
                break
            done = event.to_state == "DONE" or (done and event.to_state != "STARTED")
        fresh = [copy for copy in books.copies(task) if copy.created == task.finished]
        if task.status == "REVIVED" and len(fresh) != 1:
            yield f"{books.name(task)}: REVIVED, but has not one copy"
