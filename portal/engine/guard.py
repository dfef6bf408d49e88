"""An author's code runs under a guard: when it fails, it is rolled back alone.

Most functions only change the fields of their process. They cost no statement at all: what they changed is put back
from memory. The guard opens a savepoint at the moment when the code first speaks to the database, and what was
pending before is written ahead of it, so that a rollback takes the code's own work and nothing else.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.attributes import flag_modified, set_attribute

from portal.models import Process, Task

from .rows import Part, Rows

T = TypeVar("T")
#: what the engine itself writes, and puts back by other means
OURS = (Process, Task)
HELD = ("_artifact", "_seed")


class Snapshot:
    """The loaded columns of a process or a task, as they were."""

    def __init__(self, target: Any) -> None:
        self.target = target
        self.columns = _columns(inspect(target).mapper)
        self.values = self.read()
        for key, value in self.values.items():
            if type(value) not in _CONSTANT:
                self.values[key] = copy.deepcopy(value)
        self.held = {name: target.__dict__.get(name) for name in HELD}

    def read(self) -> dict[str, Any]:
        columns = self.columns
        return {key: value for key, value in self.target.__dict__.items() if key in columns}

    def changed(self) -> dict[str, Any]:
        return {key: value for key, value in self.read().items() if self.values.get(key, _ABSENT) != value}

    def restore(self, for_good: bool = True) -> dict[str, Any]:
        """Put the old values back, and return what stood in their place.

        Args:
            for_good: also empty the columns of a row to come that had no value yet. They may be ones that the
                row cannot be inserted without.
        """
        changed = self.changed()
        for key in changed:
            if key in self.values:
                set_attribute(self.target, key, copy.deepcopy(self.values[key]))
            elif inspect(self.target).persistent:
                inspect(self.target).session.expire(self.target, [key])
            elif for_good:  # not stored yet: a column without a value takes its default
                set_attribute(self.target, key, None)
        return changed

    def forget_pointers(self) -> dict[str, Any]:
        """Point at what was pointed at before, and return what is pointed at now."""
        held = {name: self.target.__dict__[name] for name in HELD if name in self.target.__dict__}
        for name, value in self.held.items():
            if value is None:
                self.target.__dict__.pop(name, None)
            else:
                self.target.__dict__[name] = value
        return held

    @property
    def plain(self) -> bool:
        """Nothing but the JSON document changed, which no constraint of a database can refuse."""
        return set(self.changed()) <= {"data"}


_ABSENT = object()
#: what needs no copy to be kept as it is
_CONSTANT = frozenset((str, int, float, bool, bytes, dt.datetime, type(None)))


@functools.cache
def _columns(mapper: Mapper[Any]) -> frozenset[str]:
    """The names of a model's columns."""
    return frozenset(attribute.key for attribute in mapper.column_attrs)


class Guard:
    """Runs one call; see the module."""

    def __init__(self, session: Session, *own: Any) -> None:
        self.session = session
        if any(not isinstance(each, OURS) for each in (*session.new, *session.dirty)):
            session.flush()
        self.snapshots = [Snapshot(each) for each in own]
        self.new = set(session.new)
        self.dirty = {*own, *session.dirty}
        run = session.info.get("run")
        self.rows: Rows | None = None if run is None else run.rows
        self.told = (0, 0, 0) if self.rows is None else self.rows.mark()
        self.savepoint: Any = None
        self.opening = False
        self.outer: Callable[[], None] | None = None

    def run(self, call: Callable[[], T]) -> T:
        with self.hold():
            return call()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Guard a block."""
        outer = self.outer = self.session.info.get("guard")
        self.session.info["guard"] = self.open
        try:
            yield
            if self._must_write():
                self.session.flush()
            self.session.info["guard"] = outer
            if self.savepoint is not None:
                self.savepoint.commit()
        except BaseException:
            self.session.info["guard"] = outer
            self._roll_back()
            raise

    def open(self) -> None:
        """Write what was pending before the call, and set a savepoint behind it."""
        if self.savepoint is not None or self.opening:
            return
        self.opening = True
        if self.outer is not None:
            self.outer()
        aside = [(snapshot.target, snapshot.restore(for_good=False)) for snapshot in self.snapshots]
        pointers = [(snapshot.target, snapshot.forget_pointers()) for snapshot in self.snapshots]
        others = [(each, _modified(each)) for each in self._their_dirty()]
        new = self._their_new()
        for each in new:
            self.session.expunge(each)
        for each, values in others:
            self.session.expire(each, list(values))
        told = self._cut()
        self.session.flush()
        self.savepoint = self.session.begin_nested()
        for each, values in (*aside, *others):
            for key, value in values.items():
                set_attribute(each, key, value)
                flag_modified(each, key)
        for each, held in pointers:
            each.__dict__.update(held)
        self.session.add_all(new)
        if self.rows is not None and told is not None:
            self.rows.paste(told)
        self.opening = False

    def _cut(self) -> Part | None:
        """Take away what the call has noted."""
        return None if self.rows is None else self.rows.cut(self.told)

    def _their_new(self) -> list[Any]:
        return [each for each in self.session.new if each not in self.new]

    def _their_dirty(self) -> list[Any]:
        return [each for each in self.session.dirty if each not in self.dirty]

    def _must_write(self) -> bool:
        return (
            self.savepoint is not None
            or not all(_is_harmless(each) for each in self._their_new())
            or bool(self._their_dirty())
            or not all(snapshot.plain for snapshot in self.snapshots)
        )

    def _roll_back(self) -> None:
        with self.session.no_autoflush:
            if self.savepoint is None:
                self._cut()
                for each in self._their_new():
                    self.session.expunge(each)
                for each in self._their_dirty():
                    self.session.expire(each)
                for snapshot in self.snapshots:
                    snapshot.restore()
            else:
                # A statement that failed has ended the savepoint already: what came after it is nowhere.
                for each in list(self.session.new):
                    self.session.expunge(each)
                self.session.expire_all()
                self.savepoint.rollback()  # which takes the rows back too
                self.session.expire_all()
            for snapshot in self.snapshots:
                snapshot.forget_pointers()


def _is_harmless(instance: Any) -> bool:
    """Whether a new row is one of ours alone, which no constraint of an author's table can refuse."""
    return isinstance(instance, OURS) and inspect(type(instance)).local_table in (
        Process.__table__,
        Task.__table__,
    )


def _modified(instance: Any) -> dict[str, Any]:
    state = inspect(instance)
    return {
        a.key: a.value for a in state.attrs if a.key in state.mapper.column_attrs and a.history.has_changes()
    }
