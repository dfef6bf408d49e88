"""People who work, and a manager who cancels, undoes and revives at random; the books are read after each action."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from sqlalchemy import select

from portal.engine import actions, lifecycle, move_targets
from portal.errors import TransitionNotAllowed
from portal.models import Event, Task, db
from tests.audit import faults
from tests.model.shapes import CalledFlow

#: what is done, with how often
DEEDS = {"work": 4, "advance": 2, "cancel": 3, "undo": 4, "revive": 5}


class Office:
    """One process of a flow, in whose life everything comes from a seed."""

    deeds = DEEDS

    def __init__(self, tester: Any, shape: Any, seed: str) -> None:
        self.tester, self.random = tester, random.Random(seed)
        self.session = db.session()
        self.boss = tester.person("boss", [])
        self.boss.is_superuser = True
        self.session.commit()
        tester(CalledFlow)
        self.run = tester(shape)
        self.run.start()
        self.log: list[str] = []

    def live(self, steps: int) -> list[str]:
        """Do so much, and say what is wrong then. Nothing is done after the first fault."""
        for _ in range(steps):
            getattr(self, self.random.choices(list(self.deeds), list(self.deeds.values()))[0])()
            self.session.rollback()
            if found := faults(self.session):
                return found
        return []

    def work(self) -> None:
        if task := self._one(Task.status.in_(("NEW", "ASSIGNED"))):
            self.log.append(f"do {_words(task)}")
            with actions.activation(self.session, task.id) as activation:
                if task.status == "NEW":
                    activation.assign(self.boss)
                if task.status == "ASSIGNED":
                    activation.execute()

    def advance(self) -> None:
        self.log.append("a day passes")
        self.session.rollback()
        self.tester.advance(dt.timedelta(days=1))

    def cancel(self) -> None:
        self._act("cancel", self._one(Task.finished.is_(None)))

    def undo(self) -> None:
        self._act("undo", self._last("undo", Task.status == "DONE"))

    def revive(self) -> None:
        self._act("revive", self._one(Task.status.in_(("CANCELED", "ERROR"))))

    def _tasks(self, criterion: Any) -> list[Task]:
        return list(self.session.scalars(select(Task).where(criterion).order_by(Task.id)).unique())

    def _one(self, criterion: Any) -> Task | None:
        found = self._tasks(criterion)
        return self.random.choice(found) if found else None

    def _last(self, action: str, criterion: Any) -> Task | None:
        """One for which there is a button, now and then any: few tasks are the last of their paths."""
        found = self._tasks(criterion)
        self.random.shuffle(found)
        if self.random.random() < 0.9:
            return next((task for task in found if action in lifecycle.actions_for(task, self.boss)), None)
        return found[0] if found else None

    def _act(self, action: str, task: Task | None, *arguments: Any) -> None:
        """What the button says is what the engine does."""
        if task is None:
            return
        offered = action in lifecycle.actions_for(task, self.boss)
        line = " ".join([action, _words(task), *arguments])
        self.session.rollback()
        try:
            with actions.activation(self.session, task.id) as activation:
                getattr(activation, action)(*arguments)
        except TransitionNotAllowed as refusal:
            self.log.append(f"{line} refused: {refusal}")
            assert not offered, self.log
        else:
            self.log.append(line)
            assert offered, self.log

    def story(self) -> str:
        query = select(Event, Task).join(Task, Task.id == Event.task_id).order_by(Event.id)
        lines = [
            f"{event.process_id}: {task.number} {task.flow_task} [{task.token}] {event.action} "
            f"{event.from_state} -> {event.to_state}"
            for event, task in self.session.execute(query).unique()
        ]
        return "\n".join([*self.log, "", *lines])


class Meddler(Office):
    """A manager who leaves steps out and moves tokens, too."""

    deeds = DEEDS | {"skip": 3, "move": 4}

    def skip(self) -> None:
        self._act("skip", self._one(Task.finished.is_(None)))

    def move(self) -> None:
        """To one of the places that the page offers; a page that offers none has no button."""
        task = self._one(Task.finished.is_(None))
        offered = [] if task is None else [node.name for node in move_targets.move_targets(task)]
        if offered and task is not None and "move" in lifecycle.actions_for(task, self.boss):
            self._act("move", task, self.random.choice(offered))


def _words(task: Task) -> str:
    return f"process {task.process_id}, task {task.number} ({task.flow_task}, {task.status})"
