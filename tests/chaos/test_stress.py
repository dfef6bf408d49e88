"""In one process: threads that start, take, finish, cancel, undo and revive at random, on the same few processes.

The kills are in `python -m tests.chaos`, where managers do the same to real servers.
"""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from sqlalchemy import select

from portal.engine import actions
from portal.errors import TransientError, TransitionNotAllowed
from portal.models import Process, Task, db, task_link
from tests.audit import faults
from tests.model.shapes import AllFlow, MeetFlow, RaceFlow

FLOWS = (AllFlow, MeetFlow, RaceFlow)
#: each thread does so much, and goes on until all has been done once: who is faster is chance, so what fits is, too
THREADS, DEEDS, SEED = 3, 24, 12
#: a thread that has come so far without it never will
BOUND = 40 * DEEDS
#: what is done to a task in these states, with how often
FITTING = {
    "assign": ("NEW",), "execute": ("ASSIGNED",), "cancel": ("NEW", "ASSIGNED", "STARTED", "SCHEDULED", "ERROR"),
    "undo": ("DONE",), "revive": ("CANCELED", "ERROR"),
}  # fmt: skip
OFTEN = (4, 5, 2, 3, 4)


class Stress:
    """Threads of one application, whose choices come from a seed; who is faster is chance."""

    def __init__(self, app: Any, user: int) -> None:
        self.app, self.user = app, user
        self.done: list[str] = []
        self.started, self._counting = 0, threading.Lock()
        self.refused: list[str] = []
        self.surprises: list[BaseException] = []

    def start(self, flow_class: Any) -> None:
        flow_class.start.run()
        with self._counting:
            self.started += 1

    def work(self, number: int) -> None:
        chance = random.Random(f"{SEED} {number}")
        with self.app.app_context():
            for deed in range(BOUND):
                if deed >= DEEDS and {*FITTING} <= {*self.done}:
                    return
                try:
                    self._deed(chance)
                except (TransitionNotAllowed, TransientError) as refusal:
                    self.refused.append(str(refusal))
                except BaseException as error:
                    self.surprises.append(error)
                db.session.remove()

    def _deed(self, chance: random.Random) -> None:
        action = chance.choices(list(FITTING), OFTEN)[0]
        query = select(Task.id).where(Task.status.in_(FITTING[action])).order_by(Task.id)
        if action == "undo":  # few are the last of their paths
            standing = Task.status.not_in(("CANCELED", "REVIVED"))
            followed = (
                select(task_link.c.previous_id).join(Task, Task.id == task_link.c.task_id).where(standing)
            )
            query = query.where(Task.id.not_in(followed))
        found = list(db.session.scalars(query))
        if not found:
            if action == "cancel":  # nothing lives any more
                self.start(chance.choice(FLOWS))
            return
        with actions.activation(db.session(), chance.choice(found)) as activation:
            if action == "assign":
                activation.assign(self.user)
            else:
                getattr(activation, action)()
        self.done.append(action)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_threads_leave_no_token_living_twice(request, monkeypatch, tmp_path, database):
    url = (
        f"sqlite:///{tmp_path / 'stress.sqlite'}"
        if database == "sqlite"
        else request.getfixturevalue("postgresql")
    )
    monkeypatch.setenv("PORTAL_TEST_DATABASE_URL", url)
    tester = request.getfixturevalue("flow_tester")
    stress = Stress(tester.app, tester.person("boss", []).id)
    for each in FLOWS:
        tester(each)
        stress.start(each)
    db.session.remove()
    threads = [threading.Thread(target=stress.work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stress.surprises == []
    assert {*FITTING} <= {*stress.done}, "each of the actions was done"
    assert faults(db.session()) == []
    assert len(list(db.session.scalars(select(Process.id)))) == stress.started
