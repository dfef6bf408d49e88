"""Makes runs of flows, and turns the clock for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from portal.engine.interpreter import step
from portal.engine.queue import jobs, timers
from portal.flow import Flow
from portal.models import Schedule, User, create_user, db, find_user, init_db
from portal.web.forms.form_view import FormView

from .flow_run import FlowRun

#: how far the clock goes for what need not come: a flow that starts every night never has nothing due
FAR = dt.timedelta(days=366)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.offset = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.offset


class FlowTester:
    """Makes runs of flows that share one application, database and clock."""

    def __init__(self, app: Any, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        #: the runs of this test
        self.runs: list[FlowRun] = []
        #: what the test has read. A session forgets what nobody holds, and `run.process.data["x"] = 1` with it
        self._read: dict[tuple[Any, int], Any] = {}

    def __call__(self, flow_class: type[Flow], *, propagate: bool = False) -> FlowRun:
        """A run of a flow; one that is declared in the test itself is registered by this, with those that it calls.

        Args:
            flow_class: the flow.
            propagate: what a node of this flow, or of those that it calls, raises comes out of the call that led to
                it, and takes that action back, as with `Flow.propagate_errors`.
        """
        if not (isinstance(flow_class, type) and issubclass(flow_class, Flow)):
            raise TypeError(
                f"flow_tester takes a flow's class, not {flow_class!r}; write flow_tester(MyFlow)"
            )
        flows = self.app.extensions["portal_flows"]
        needed = {each.definition.label: each for each in (*_called_by(flow_class), flow_class)}
        if any(flows.get(label) is not each for label, each in needed.items()):
            flows.update(needed)
            init_db()
        raising = step.propagating.get()
        step.propagating.set(raising | set(needed.values()) if propagate else raising - {flow_class})
        self.runs.append(FlowRun(self, flow_class))
        return self.runs[-1]

    def explain(self) -> str:
        """Why the processes of the test wait."""
        db.session.rollback()
        texts = [run.explanation() for run in self.runs if run.has_started]
        return "\n".join(texts) or "no process has started"

    def read(self, model: Any, key: int) -> Any:
        """A row as it is now, with what the test has changed in it and not committed yet."""
        found = self._read[model, key] = db.session.get_one(model, key)
        if not db.session.is_modified(found):
            db.session.refresh(found)
        return found

    def person(self, user: User | str, permissions: list[str]) -> User:
        """A user by name, made when absent, with the permissions that they lack."""
        if isinstance(user, User):
            found = user
        else:
            existing = find_user(db.session(), user)
            if existing is None:
                return create_user(user, permissions=permissions)
            found = existing
            lacking = [name for name in permissions if not found.can(name)]
            if lacking:
                found.permissions.extend(lacking)
        db.session.commit()
        return found

    def turn(self, works: bool) -> None:
        """Do what is due now: jobs, or timers."""
        timers.turn(db.session())
        seen: set[tuple[int, dt.datetime]] = set()
        while True:
            session = db.session()
            found = [d for d in timers.due(session, self.clock()) if d.works is works]
            found = [d for d in found if (d.task_id, d.scheduled) not in seen]
            if not found:
                timers.turn(db.session())
                return
            for each in found:
                seen.add((each.task_id, each.scheduled))
                if not works:
                    timers.fire(session, each.task_id)
                    continue
                claimed = jobs.claim(session, each.task_id)
                if claimed is not None:
                    jobs.perform(session, claimed)

    def advance(self, span: dt.timedelta) -> None:
        """Move the clock by a span, and fire what falls due on the way."""
        target = self.clock.offset + span
        self._go(target, lambda: False)
        self.clock.offset = max(target, self.clock.offset)
        self.turn(works=False)

    def advance_until(self, reached: Callable[[], bool], limit: dt.timedelta | None) -> bool:
        """Move the clock from one due moment to the next until something is so. False if nothing is due before."""
        return self._go(self.clock.offset + (limit or FAR), reached)

    def _go(self, target: dt.timedelta, reached: Callable[[], bool]) -> bool:
        while True:
            self.turn(works=False)
            if reached():
                return True
            upcoming = timers.next_moment(db.session(), after=self.clock())
            if upcoming is None or upcoming > self.clock() + (target - self.clock.offset):
                return False
            self.clock.offset += upcoming - self.clock() + dt.timedelta(microseconds=1)

    def start_on_schedule(self, node: Any) -> None:
        """Move the clock to the next moment of a `StartTimer`, and start there what is due."""
        self.turn(works=False)  # it is seen for the first time, perhaps
        query = select(Schedule.next_start).where(
            Schedule.flow_label == node.flow_class.definition.label, Schedule.node == node.name
        )
        moment = db.session.scalar(query)
        db.session.rollback()
        if moment is None:
            raise AssertionError(f"no schedule of {node.name!r} is known")
        self.advance(moment - self.clock() + dt.timedelta(microseconds=1))

    def look_at(self, node: Any, page: Callable[[], str]) -> None:
        """Render the page of a node's form, unless it was seen before, so that a template that is broken is noticed.

        A view written by hand reads what it likes: its page is rendered where a test asks for it.
        """
        if not isinstance(node.view, FormView):
            return

        seen = self.app.extensions.setdefault("portal_pages_seen", set())
        if node not in seen and not db.session().has_unsaved:  # type: ignore[attr-defined]
            page()
            seen.add(node)


def _called_by(flow_class: Any) -> list[Any]:
    """The flows that a flow calls as children, and those that these call."""
    found = [flow_class]
    for each in found:
        nodes = each.definition.nodes.values()
        called = [node.start_node().flow_class for node in nodes if node.calls_processes]
        found.extend(child for child in called if child not in found)
    return found[1:]
