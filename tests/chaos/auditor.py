"""What must be so when the dust has settled. The rows themselves are read by `tests.audit`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from portal.models import Event, Outgoing, Process, Task, User
from tests.audit import faults as faults_of_rows

from .clients import Acknowledged
from .errand import Mark, Try
from .killer import Pause

MARKED = ("remind", "checked", "waited", "worked", "joined", "arrive")


def faults(session: Any, said: Acknowledged, keys: dict[int, list[str]], pauses: list[Pause]) -> list[str]:
    """Everything that is wrong, a sentence each."""
    return [
        *faults_of_rows(session),
        *_lost(session, said),
        *_marks(session),
        *_jobs(session, pauses),
        *_left_behind(session),
        *_messages(session, keys),
        *_answers(said),
    ]


def _lost(session: Any, said: Acknowledged) -> Iterator[str]:
    """Every acknowledged action is there."""
    texts = Counter(
        session.scalars(select(Process.data["text"].as_string()).where(Process.flow_label == "errand"))
    )
    yield from (
        f"start {text} was acknowledged and is there {texts[text]} times"
        for text in said.started
        if texts[text] != 1
    )
    done = select(Event.task_id, Event.action, User.username).join(User, Event.user_id == User.id)
    events = Counter((task, action, name) for task, action, name in session.execute(done))
    for task, name in set(said.assigned):
        if not events[task, "assign", name]:
            yield f"task {task} was acknowledged as {name}'s and never was"
    for task, name in said.executed:
        if not events[task, "execute", name]:
            yield f"task {task} was acknowledged as done by {name} and is not"
    for process in said.canceled:
        if session.scalar(select(Process.status).where(Process.id == process)) != "CANCELED":
            yield f"process {process} was acknowledged as cancelled and is not"


def _marks(session: Any) -> Iterator[str]:
    """What a function wrote stands and falls with its task."""
    marks = Counter(session.scalars(select(Mark.task_id)))
    done = set(session.scalars(select(Task.id).where(Task.flow_task.in_(MARKED), Task.status == "DONE")))
    yield from (f"function of task {task} ran {count} times" for task, count in marks.items() if count > 1)
    yield from (f"function of task {task} ran, but the task is not done" for task in marks.keys() - done)
    yield from (f"function of task {task} is done without having run" for task in done - marks.keys())


def _jobs(session: Any, pauses: list[Pause]) -> Iterator[str]:
    """The attempts of a job are counted, the last one is the one that counts, and only a paused worker is late."""
    tries = defaultdict(list)
    for row in session.scalars(select(Try).order_by(Try.id)):
        tries[row.task_id].append(row)
    query = (
        select(Task.id, Task.attempt, Task.status, Process.data)
        .join(Task.process)
        .where(Task.flow_task == "work")
    )
    for task, attempt, status, data in session.execute(query):
        began = [each.attempt for each in tries[task] if each.began]
        if len(began) != len(set(began)) or any(each > attempt for each in began):
            yield f"job {task}: attempts {began} began, {attempt} are counted"
        if status == "DONE" and data.get("done_by") != attempt:
            yield f"job {task}: the result of attempt {data.get('done_by')} counted, not that of {attempt}"
        yield from _overlaps(task, tries[task], pauses)


def _overlaps(task: int, tries: list[Any], pauses: list[Pause]) -> Iterator[str]:
    """A worker that lives keeps its job to itself."""
    began = {each.attempt: each for each in tries if each.began}
    ended = {each.attempt: each for each in tries if not each.began}
    for number, late in ended.items():
        following = began.get(number + 1)
        if following is None or late.moment < following.moment:
            continue
        if not any(
            p.pid == late.pid and p.began < late.moment and p.ended > began[number].moment for p in pauses
        ):
            yield f"job {task}: attempt {number + 1} began while attempt {number} was at work"


def _left_behind(session: Any) -> Iterator[str]:
    """Every process is finished, or waits for a person or for a moment that is to come."""
    open_tasks = select(Task.process_id).where(
        Task.finished.is_(None), Task.status.in_(("NEW", "ASSIGNED", "SCHEDULED"))
    )
    waiting = set(session.scalars(open_tasks))
    parents = set(session.scalars(select(Task.process_id).join(Process, Process.parent_task_id == Task.id)))
    for process in session.scalars(select(Process.id).where(Process.finished.is_(None))):
        if process not in waiting and process not in parents:
            yield f"process {process} is not finished and waits for nothing"
    for task, why in session.execute(
        select(Task.id, Task.data["_exception"].as_string()).where(Task.status == "ERROR")
    ):
        yield f"task {task} failed: {why}"


def _messages(session: Any, keys: dict[int, list[str]]) -> Iterator[str]:
    """What was to be sent has arrived, in order for each process; again only under the same key."""
    rows = defaultdict(list)
    for row in session.execute(
        select(Outgoing.process_id, Outgoing.key, Outgoing.sent).order_by(Outgoing.id)
    ):
        rows[row.process_id].append(row)
        if row.sent is None:
            yield f"process {row.process_id}: message {row.key} was not sent"
    for process, due in rows.items():
        arrived = list(dict.fromkeys(keys.get(process, ())))
        if arrived != [row.key for row in due if row.sent is not None]:
            yield f"process {process}: {len(due)} messages were to be sent, {len(arrived)} came in this order"
    over = select(Process.id).where(Process.finished.is_not(None), Process.flow_label == "errand")
    yield from (
        f"process {process} is over and nobody was told"
        for process in session.scalars(over)
        if process not in rows
    )


def _answers(said: Acknowledged) -> Iterator[str]:
    """Whatever dies, people are told what to do: try again, or look at what has changed."""
    if said.answers["500"]:
        yield f"{said.answers['500']} answers were 500"
