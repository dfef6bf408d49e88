"""What must be so when the dust has settled. The rows themselves are read by `tests.audit`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from portal.models import Event, Outgoing, Process, Schedule, Task, User
from tests.audit import faults as faults_of_rows

from .clients import Acknowledged
from .errand import LEASE, NEWS
from .ledger import Mark, Try

#: the nodes whose functions leave a mark
MARKED = (
    *("remind", "checked", "waited", "worked", "fetched", "joined", "lapsed"),  # of an errand
    *("arrive", "reply", "answer"),
)
#: jobs, with where the attempt whose result counted is kept
JOBS = {"work": "worked_by", "fetch": "fetched_by"}
#: the news of a task and of a process, by the state that it has become
NEWS_OF = (
    {"ASSIGNED": "assigned", "ERROR": "failed"},
    {"DONE": "finished", "CANCELED": "finished", "FAILED": "failed"},
)


def faults(session: Any, said: Acknowledged, keys: dict[int, list[str]]) -> list[str]:
    """Everything that is wrong, a sentence each."""
    return [
        *faults_of_rows(session),
        *_starts(session, said),
        *_actions(session, said),
        *_marks(session),
        *_jobs(session),
        *_left_behind(session),
        *_schedule(session),
        *_told(session),
        *_messages(session, keys),
        *_answers(said),
    ]


def _starts(session: Any, said: Acknowledged) -> Iterator[str]:
    """Every acknowledged start is there, and none of which the portal has said that nothing was changed."""
    labels = Process.flow_label.in_(("errand", "letter"))
    texts = Counter(session.scalars(select(Process.data["text"].as_string()).where(labels)))
    for text in (*said.started, *said.written):
        if texts[text] != 1:
            yield f"start {text} was acknowledged and is there {texts[text]} times"
    yield from (
        f"start {text} is there, but it was said that nothing was changed"
        for text in said.refused
        if texts[text]
    )
    yield from (f"start {text} is there {count} times" for text, count in texts.items() if count > 1)


def _actions(session: Any, said: Acknowledged) -> Iterator[str]:
    """Every other acknowledged action is there."""
    columns = (Event.process_id, Event.task_id, Event.action, User.username)
    events = set(map(tuple, session.execute(select(*columns).join(User, Event.user_id == User.id))))
    of_tasks = {(task, action, name) for _, task, action, name in events}
    for task, name in said.assigned:
        if (task, "assign", name) not in of_tasks:
            yield f"task {task} was acknowledged as {name}'s and never was"
    for task, name in said.executed:
        if (task, "execute", name) not in of_tasks:
            yield f"task {task} was acknowledged as done by {name} and is not"
    for process, action, name in said.held:
        if (process, None, action, name) not in events:
            yield f"process {process}: {action} by {name} was acknowledged and never was"
    for task, action, name in said.managed:
        if (task, action, name) not in of_tasks:
            yield f"task {task}: {action} by {name} was acknowledged and never was"
    # What a manager has revived since brings its process back.
    canceled = {process for process, task, action, _ in events if task is None and action == "cancel"}
    for process in said.canceled:
        if process not in canceled:
            yield f"process {process} was acknowledged as cancelled and is not"
    answered = select(Process.data["text"].as_string()).join(Task, Task.process_id == Process.id)
    done = set(session.scalars(answered.where(Task.flow_task == "answer", Task.status == "DONE")))
    for text in set(said.written) & set(said.replied):
        if text not in done:
            yield f"the answer to letter {text} was acknowledged and is lost"


def _marks(session: Any) -> Iterator[str]:
    """What a function wrote stands and falls with its task."""
    marks = Counter(session.scalars(select(Mark.task_id)))
    done = set(session.scalars(select(Task.id).where(Task.flow_task.in_(MARKED), Task.status == "DONE")))
    yield from (f"function of task {task} ran {count} times" for task, count in marks.items() if count > 1)
    yield from (f"function of task {task} ran, but the task is not done" for task in marks.keys() - done)
    yield from (f"function of task {task} is done without having run" for task in done - marks.keys())


def _jobs(session: Any) -> Iterator[str]:
    """The attempts of a job are counted, the last one is the one that counts, and only who is silent loses it."""
    tries = defaultdict(list)
    for row in session.scalars(select(Try).order_by(Try.id)):
        tries[row.task_id].append(row)
    handed = select(Event.task_id, Event.detail["handed_back"].as_integer()).where(Event.action == "job")
    handed_back = {(task, attempt) for task, attempt in session.execute(handed) if attempt is not None}
    query = select(Task.id, Task.flow_task, Task.attempt, Task.status, Process.data).join(Task.process)
    for task, node, attempt, status, data in session.execute(query.where(Task.flow_task.in_(JOBS))):
        began = [each.attempt for each in tries[task] if each.began]
        if len(began) != len(set(began)) or any(each > attempt for each in began):
            yield f"task {task}: attempts {began} of its job began, {attempt} are counted"
        counted = data.get(JOBS[node])
        if status == "DONE" and counted != attempt:
            yield f"task {task}: the result of attempt {counted} of its job counted, not that of {attempt}"
        yield from _overlaps(task, tries[task], handed_back)


def _overlaps(task: int, tries: list[Any], handed_back: set[tuple[int, int]]) -> Iterator[str]:
    """A worker that renews its lease keeps its job to itself, until it hands it back."""
    began = {each.attempt: each for each in tries if each.began}
    for late in (each for each in tries if not each.began and (task, each.attempt) not in handed_back):
        following = began.get(late.attempt + 1)
        overlap = following is not None and following.moment <= late.moment
        if overlap and (late.silence or 0) < LEASE.total_seconds():
            yield (
                f"task {task}: attempt {late.attempt + 1} of its job began while attempt {late.attempt} was at work, "
                f"whose worker was never silent for longer than {late.silence:.1f} s"
            )


def _left_behind(session: Any) -> Iterator[str]:
    """Every process is finished, or waits for a person, a moment that is to come, or something that can happen."""
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


def _schedule(session: Any) -> Iterator[str]:
    """One start for each due moment, and one for those that were missed: never two between two moments."""
    # One of the moments of the schedule; the others are whole intervals away.
    beat = session.scalar(select(Schedule.next_start).where(Schedule.flow_label == "news"))
    query = select(Process.id, Process.created).where(Process.flow_label == "news").order_by(Process.id)
    started: dict[int, int] = {}
    for process, created in session.execute(query):
        first = started.setdefault((created - beat) // NEWS, process)
        if first != process:
            yield f"process {process}: started for the same due moment as process {first}"
    if not started:
        yield "the start timer has never fired"


def _told(session: Any) -> Iterator[str]:
    """What is worth telling was written with its cause, once."""
    due: Counter[tuple[int, str]] = Counter()
    query = select(Event.process_id, Event.task_id, Event.to_state).join(
        Process, Process.id == Event.process_id
    )
    for process, task, state in session.execute(query.where(Process.flow_label.not_in(("news", "tangle")))):
        if event := NEWS_OF[task is None].get(state):
            due[process, event] += 1
    rows = select(Outgoing.process_id, Outgoing.event).where(Outgoing.event.not_in(("due", "late")))
    written = Counter(map(tuple, session.execute(rows)))
    for process, event in due.keys() | written.keys():
        there, wanted = written[process, event], due[process, event]
        if there != wanted:
            yield f"process {process}: {event} was to be told {wanted} times, and was written {there} times"


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
            yield f"process {process}: {len(due)} messages were to be sent, {len(arrived)} came, or in another order"


def _answers(said: Acknowledged) -> Iterator[str]:
    """Whatever dies, people and programs are told what to do: try again, or look at what has changed."""
    if said.answers["500"]:
        yield f"{said.answers['500']} answers were 500"
    yield from (f"a program met {surprise}" for surprise in said.surprises)
