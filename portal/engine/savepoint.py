"""Calls an author's code under a guard: if it fails, only what it has done is rolled back.

Most functions only change the fields of their process. They cost no statement at all: what they changed is put back
from memory. The guard opens a savepoint at the moment when the code first speaks to the database, and what was
pending before is written ahead of it, so that a rollback takes the code's own work and nothing else. The objects of the
code itself are left alone meanwhile: only what it has changed of its process and its task is set back for that write.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

from portal.flow.base import Node
from portal.models import Process, Task

from .bulk_insert import Part, Rows
from .snapshot import Snapshot, unwritten

#: what the engine itself writes, and puts back by other means
OURS = (Process, Task)
#: more objects than this do not stay pending: each guard looks at all of them
MANY = 50
_IS_PLAIN = operator.attrgetter("plain")

#: where the nodes are declared that run no code but what they say in `calls`
_PLAIN = frozenset(
    f"portal.flow.{name}"
    for name in ("automatic", "boundary", "events", "external", "gateways", "starts", "user_tasks")
)


@functools.lru_cache(maxsize=2048)
def calls_authors(node: Node | None) -> bool:
    """Whether an author's code may run when a token comes to a node, or goes on from it."""
    if node is None:
        return False
    nodes = (node, *node.boundaries)
    return any(type(each).__module__ not in _PLAIN or any(each.calls()) for each in nodes)


class GuardedCall:
    """Guards one call, or a block; see the module."""

    def __init__(self, session: Any, *own: Any) -> None:
        #: a `portal.models.session.Session`
        self.session = session
        new, dirty = session.pending, _dirty(session)
        pending = [*new, *dirty]
        foreign = [each for each in pending if not isinstance(each, OURS)]
        if len(pending) > MANY or foreign or any(map(unwritten, own)):
            session.flush()
            new, dirty = session.pending, _dirty(session)
        self.snapshots = [Snapshot(each) for each in own]
        self.new = set(new)
        self.dirty = {*own, *dirty}
        self.deleted = set(session.deleted)
        run = session.info.get("run")
        self.rows: Rows | None = None if run is None else run.rows
        self.told = (0, 0, 0) if self.rows is None else self.rows.mark()
        self.savepoint: Any = None
        self.opening = False
        self.outer: Callable[[], None] | None = None

    def __enter__(self) -> None:
        self.outer = self.session.info.get("guard")
        self.session.info["guard"] = self.open

    def __exit__(self, kind: Any, error: BaseException | None, _traceback: Any) -> None:
        try:
            if error is None and self._must_write():
                self.session.flush()
            self.session.info["guard"] = self.outer
            if error is None and self.savepoint is not None:
                self.savepoint.commit()
        except BaseException:
            self.session.info["guard"] = self.outer
            self._roll_back()
            raise
        if error is not None:
            self._roll_back()

    def open(self) -> None:
        """Write what was pending before the call, and set a savepoint behind it."""
        if self.savepoint is not None or self.opening:
            return
        self.opening = True
        if self.outer is not None:
            self.outer()
        with self.session.no_autoflush:
            queued = [(snapshot, snapshot.take_back_unwritten()) for snapshot in self.snapshots]
            aside = [(snapshot, snapshot.restore(for_good=False)) for snapshot in self.snapshots]
        pointers = [(snapshot.target, snapshot.forget_pointers()) for snapshot in self.snapshots]
        told = self._cut()
        needed = [each for snapshot in self.snapshots for each in snapshot.needed()]
        # the author's own objects stay pending, whatever was done to them
        self.savepoint = self.session.begin_nested_behind([*self.new, *self.dirty, *needed])
        with self.session.no_autoflush:
            for snapshot, values in aside:
                snapshot.set_again(values)
            for snapshot, members in queued:
                snapshot.do_again(members)
        for each, held in pointers:
            each.__dict__.update(held)
        if self.rows is not None and told is not None:
            self.rows.paste(told)
        self.opening = False

    def _cut(self) -> Part | None:
        """Take away what the call has noted."""
        return None if self.rows is None else self.rows.cut(self.told)

    def _their_new(self) -> list[Any]:
        return [each for each in self.session.pending if each not in self.new]

    def _their_dirty(self) -> list[Any]:
        return [each for each in _dirty(self.session) if each not in self.dirty]

    def _their_deleted(self) -> list[Any]:
        return [each for each in self.session.deleted if each not in self.deleted]

    def _must_write(self) -> bool:
        return (
            self.savepoint is not None
            or not all(map(_is_harmless, self._their_new()))
            or bool(self._their_dirty() or self._their_deleted())
            or not all(map(_IS_PLAIN, self.snapshots))
        )

    def _roll_back(self) -> None:
        with self.session.no_autoflush:
            for snapshot in self.snapshots:
                snapshot.take_back_unwritten()
            if self.savepoint is None:
                self._cut()
                for snapshot in self.snapshots:
                    snapshot.restore()
                for each in self._their_new():
                    self.session.expunge(each)
                self.session.add_all(self._their_deleted())  # which are no longer to be deleted
                for each in self._their_dirty():
                    self.session.expire(each)
            else:
                # A statement that failed has ended the savepoint already: what came after it is nowhere.
                for each in self.session.pending:
                    self.session.expunge(each)
                self.session.expire_all()
                self.savepoint.rollback()  # which takes the rows back too
                self.session.expire_all()
            for snapshot in self.snapshots:
                snapshot.forget_pointers()


def _dirty(session: Any) -> list[Any]:
    """The objects of the session that hold changes; mostly there are none, which is known without a look at them."""
    return list(session.dirty) if session.identity_map.check_modified() else []


def _is_harmless(instance: Any) -> bool:
    """Whether a new row is one of ours alone, which no constraint of an author's table can refuse."""
    return isinstance(instance, OURS) and type(instance).__table__ in (
        Process.__table__,
        Task.__table__,
    )
