"""Events beside the steps of the demo: comments, files, undone work, absences, and a person who leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from portal import storage
from portal.engine import actions, comments, drafts, substitution, writes
from portal.engine.queue import timers
from portal.errors import PermissionDenied, TransitionNotAllowed
from portal.models import Notice, Process, Schedule, Task, User, db

from .agenda import Event
from .company import Away, Paper, Story

if TYPE_CHECKING:
    from .simulation import Simulation

#: for how long after the end nothing comes due
_QUIET = dt.timedelta(minutes=15)
_ALL = 10_000
#: how often something befalls a process, of one
_REMARK, _ANSWER, _PAPER, _WITHDRAWAL, _STOP, _CANCELLATION = 0.3, 0.4, 0.6, 0.045, 0.012, 0.02


def befall(simulation: Simulation, root: int, story: Story, requester: int) -> None:
    """Plan what happens to a process that somebody has just begun."""
    die, label = simulation.random, story.start.flow_class.definition.label

    def later(hours: float, event: Event) -> None:
        simulation.agenda.after(dt.timedelta(hours=die.uniform(0.3, hours)), event)

    manager = simulation.manager_of(label)
    if story.remarks and die.random() < _REMARK:
        question, answer = die.choice(story.remarks)
        later(6, lambda: _say(root, manager, question))
        if die.random() < _ANSWER:
            later(30, lambda: _say(root, requester, answer))
    if story.papers and die.random() < _PAPER:
        later(1, lambda: _attach(root, requester, die.choice(story.papers)))
    if story.start.flow_class.withdraw and die.random() < _WITHDRAWAL:
        why = die.choice(("No longer needed.", "I have sent it twice.", "We found another way."))
        later(20, lambda: _attempt(root, lambda: actions.withdraw(db.session(), root, requester, why)))
    if die.random() < _STOP:
        why = "Waits for the new budget."
        later(40, lambda: _attempt(root, lambda: actions.suspend(db.session(), root, manager, why)))
    if die.random() < _CANCELLATION:
        why = "Settled by telephone."
        later(40, lambda: _attempt(root, lambda: actions.cancel_process(db.session(), root, manager, why)))


def end(simulation: Simulation) -> None:
    """The last day: what is put off, changed, begun and left behind."""
    _put_off(simulation)
    _change(simulation)
    _stop_short(simulation)
    _begin_drafts(simulation)
    _ask_for_help(simulation)
    for away in simulation.company.away:
        if away.begins >= 0:
            go_away(simulation, away)
    session = db.session()
    people = {user.username: user for user in session.scalars(select(User))}
    for person in simulation.company.people:
        people[person.username].is_active = not person.left
        people[person.username].email = f"{person.username}@example.com"
    session.commit()
    _keep_quiet(simulation.now)
    _read_old_notices(simulation.now)


def go_away(simulation: Simulation, away: Away) -> None:
    """Somebody enters their absence."""
    session = db.session()
    with writes.writing(session):
        person, substitute = (
            session.get_one(User, simulation.people[name]) for name in (away.who, away.substitute)
        )
        begins, ends = (simulation.now + dt.timedelta(days=days) for days in (away.begins, away.ends))
        substitution.plan(session, person, begins, ends, substitute)


def _ask_for_help(simulation: Simulation) -> None:
    """Some who are at work on something ask bob."""
    bob = simulation.people["bob"]
    found = [task for task in _open_tasks(Task.status == "ASSIGNED", every=12) if task[1] != bob]
    for task_id, owner in found[:3]:
        with actions.activation(db.session(), task_id, owner) as activation:
            activation.ask_help(bob, reason="You have done this before.")


def _say(root: int, user_id: int, text: str) -> None:
    session = db.session()
    with writes.writing(session):
        comments.add(session, root, user_id, text)


def _attach(root: int, user_id: int, paper: Paper) -> None:
    session = db.session()
    with writes.writing(session):
        process, user = session.get_one(Process, root), session.get_one(User, user_id)
        row = storage.store(
            session, paper.content(), name=paper.name, type="application/pdf", user=user, process=process
        )
        row.created = process.created + dt.timedelta(minutes=20)


def _attempt(root: int, act: Callable[[], object]) -> int | None:
    """Do what may be too late by now."""
    try:
        act()
    except (TransitionNotAllowed, PermissionDenied):
        return None
    return root


def _put_off(simulation: Simulation) -> None:
    for task_id, owner in _open_tasks(Task.status == "ASSIGNED", every=9):
        until = simulation.agenda.at_work(
            simulation.now + dt.timedelta(days=simulation.random.randrange(1, 5))
        )
        with actions.activation(db.session(), task_id, owner) as activation:
            activation.snooze(until, reason="Waits for an answer.")


def _change(simulation: Simulation) -> None:
    """Managers change due dates and priorities."""
    for number, (task_id, _) in enumerate(_open_tasks(Task.status.in_(("NEW", "ASSIGNED")), every=14)):
        with actions.activation(db.session(), task_id, simulation.people["carol"]) as activation:
            if number % 2:
                activation.change_priority(10, reason="The customer has called twice.")
            else:
                due = simulation.agenda.at_work(simulation.now + dt.timedelta(days=3))
                activation.change_due(due, reason="The board meets on that day.")


def _stop_short(simulation: Simulation) -> None:
    """Cancel the only open task of two processes: they stand still."""
    alone = (
        select(Task.process_id).join(Task.process).where(Task.finished.is_(None), Process.parent_task_id.is_(None))
        .group_by(Task.process_id).having(func.count() == 1).order_by(Task.process_id)
    )  # fmt: skip
    last = select(func.min(Task.id)).where(Task.process_id.in_(alone), Task.finished.is_(None))
    last = last.where(Task.status == "NEW", Task.flow_task_type == "View").group_by(Task.process_id)
    for task_id in db.session.scalars(last.order_by(Task.process_id).limit(2)).all():
        with actions.activation(db.session(), task_id, simulation.people["carol"]) as activation:
            activation.cancel(reason="Entered by mistake.")


def _begin_drafts(simulation: Simulation) -> None:
    for place, username, typed in simulation.company.drafts:
        pairs = [[name, text] for name, text in typed.items()]
        drafts.save(db.session(), simulation.people[username], place, None, pairs)


def _open_tasks(criterion: object, every: int) -> list[tuple[int, int]]:
    """Some open tasks of people with their owners."""
    query = select(Task.id, Task.owner_id).join(Task.process)
    query = query.where(Task.finished.is_(None), criterion, ~Process.on_hold)  # type: ignore[arg-type]
    query = query.where(Task.flow_task_type.in_(("View", "ManualTask"))).order_by(Task.id)
    found = [(row[0], row[1] or 0) for row in db.session.execute(query)]
    db.session.rollback()
    return found[::every]


def _keep_quiet(now: dt.datetime) -> None:
    """Who tries the demo hears first of what they do themselves: what comes due soon waits until then.

    Timers, jobs and schedules are leased, so that people see their moments as they were.
    """
    session, until = db.session(), now + _QUIET
    soon = [each.task_id for each in timers.due(session, until, _ALL)]
    for later in (
        update(Task).where(Task.id.in_(soon)).values(lease=until),
        update(Schedule).where(Schedule.next_start <= until).values(lease=until),
        update(Task).where(Task.finished.is_(None), Task.remind <= until).values(remind=until),
    ):
        writes.execute(session, later)


def _read_old_notices(now: dt.datetime) -> None:
    """People have looked at their notices until yesterday."""
    until = now - dt.timedelta(days=1)
    db.session.execute(update(Notice).where(Notice.created < until).values(read=Notice.created))
    db.session.commit()
