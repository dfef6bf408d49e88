"""The session on which actions run: the portal's own, or that of the application around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.orm import Session as PlainSession

from portal.errors import PortalError

if TYPE_CHECKING:
    _Parent = PlainSession
else:
    _Parent = object


#: the pointers (see `pointer`) of an object, each with where it holds what it points at
_POINTERS = (("artifact", "_artifact"), ("seed", "_seed"))


def _waits(instance: Any, name: str) -> bool:
    """Whether a pointer holds something without a key."""
    pointer: Any = getattr(type(instance), name, None)
    return hasattr(pointer, "unstored") and pointer.unstored(instance) is not None


class Hooks(_Parent):
    """What a session has on which actions run. It tells whoever guards it before it first speaks to the database.

    The engine runs an author's function under a guard that opens a savepoint only when the function really
    uses the database; `info["guard"]` is called at each such moment.
    """

    #: called before a session writes what was changed, with it and the objects
    watchers: ClassVar[list[Callable[[Any, Iterable[Any]], None]]] = []

    def _tell_guard(self) -> None:
        guard = self.info.get("guard")
        if guard is not None:
            guard()

    def flush(self, objects: Any = None) -> None:
        if (guard := self.info.get("guard")) is not None:
            guard()
        if self.info.get("flushed"):  # but for what is kept for behind a savepoint
            return
        rows = self.info.get("rows")
        if objects is None and (rows is None or not rows.waits) and not self._has_changes():
            return  # as most that read ask in vain
        written = () if rows is None else rows.pending()
        dirty, new = self.dirty if self.identity_map.check_modified() else (), self.pending
        ours = (*new, *dirty) if objects is None else objects
        held = [
            (each, name)
            for each in (*ours, *written)
            for name, place in _POINTERS
            if place in each.__dict__ and _waits(each, name)
        ]
        if held:  # what a process or a task points at is stored with it, and its key noted behind it
            pointed = [getattr(each, name) for each, name in held]
            self.add_all(pointed)
            super().flush(None if objects is None else pointed)
            for each, name in held:
                getattr(type(each), name).take_key(each)
            new = self.pending
        if objects is None and dirty:
            for watcher in self.watchers:
                watcher(self, dirty)
        if objects is None and rows is not None:
            rows.write_changes(new, dirty)
        if objects is None or objects:  # an empty list would mean all
            super().flush(objects)
        if rows is not None:  # behind the processes that they belong to
            rows.write()

    def _has_changes(self) -> bool:
        return bool(self.identity_map.check_modified() or self.pending or self.deleted)

    @property
    def pending(self) -> list[Any]:
        """The objects in `new`, in their order, of which that makes a set each time."""
        return list(self._new.values())

    def begin_nested_behind(self, objects: list[Any]) -> Any:
        """Write these objects, and set a savepoint behind them. All others stay as they are, ahead of their own flush.

        Args:
            objects: what was pending before, and is not the author's.
        """
        self.flush(objects)
        self.info["flushed"] = True
        try:
            return self.begin_nested()
        finally:
            del self.info["flushed"]

    def expire(self, instance: Any, attribute_names: Any = None) -> None:
        self._tell_guard()  # who throws away what they have not written keeps what was pending before
        super().expire(instance, attribute_names)

    def expire_all(self) -> None:
        self._tell_guard()
        super().expire_all()

    def connection(self, bind_arguments: Any = None, execution_options: Any = None) -> Any:
        if (guard := self.info.get("guard")) is not None:
            guard()
        if bind_arguments is not None or self.in_nested_transaction():
            return super().connection(bind_arguments, execution_options)
        transaction, found = self.info.get("connection", (None, None))
        if found is None or execution_options is not None or transaction is not self.get_transaction():
            found = super().connection(None, execution_options)
            self.info["connection"] = self.get_transaction(), found  # to find it takes longer than all else
        return found

    def begin_nested(self) -> Any:
        self._tell_guard()  # whose own savepoint is the outer one
        savepoint = super().begin_nested()
        if (rows := self.info.get("rows")) is not None:
            rows.savepoints[savepoint] = rows.mark()
        return savepoint

    def commit(self) -> None:
        if self.info.get("run") is not None:
            raise PortalError("An action is one transaction and commits at its end: do not commit inside it.")
        super().commit()

    def rollback(self) -> None:
        if self.info.get("run") is not None:
            raise PortalError(
                "An action is one transaction: raise to take it back, do not roll back inside it."
            )
        super().rollback()

    def close(self) -> None:
        """End what is open. A connection that cannot even roll back is dropped, and the server rolls back: nobody
        who has an answer already is refused it for that."""
        self.info.pop("connection", None)
        try:
            super().close()
        except (DBAPIError, InvalidRequestError):
            self.invalidate()

    @property
    def has_unsaved(self) -> bool:
        """Whether there are changes that a rollback would take back, written to the database already or not."""
        changed = self.identity_map.check_modified() and any(self.is_modified(each) for each in self.dirty)
        return bool(changed or self.pending or self.deleted or self.info.get("written"))


class Session(Hooks, FlaskSession):
    """The session of `portal.models.db`."""


def _statement(state: ORMExecuteState) -> None:
    state.session._tell_guard()  # type: ignore[attr-defined]
    if (rows := state.session.info.get("rows")) is not None and rows.late:
        rows.join_session()
    if state.is_insert or state.is_update or state.is_delete:
        state.session.info["written"] = True


def _flushed(session: Any, _context: Any) -> None:
    session.info["written"] = True


def _ended(session: Any) -> None:
    if not session.in_nested_transaction():
        session.info["written"] = False
        session.info.pop("connection", None)


def _taken_back(session: Any, savepoint: Any) -> None:
    run = session.info.get("run")
    if run is not None:
        run.taken_back(savepoint)


def _committed(session: Any) -> None:
    if not session.in_nested_transaction():
        session.info["commits"] = session.info.get("commits", 0) + 1
        _ended(session)


def _listen(session_class: type) -> None:
    for name, listener in (
        ("do_orm_execute", _statement),
        ("after_flush", _flushed),
        ("after_rollback", _ended),
        ("after_soft_rollback", _taken_back),
        ("after_commit", _committed),
    ):
        event.listen(session_class, name, listener)


_listen(Session)


def adopt(host: SQLAlchemy) -> None:
    """Let the sessions of an application's own Flask-SQLAlchemy object serve actions too. May be repeated.

    Their class becomes a subclass of what it was: what the application listens for is heard as before.
    """
    factory: Any = host.session.session_factory
    if issubclass(factory.class_, Hooks):
        return
    factory.class_ = type(factory.class_.__name__, (Hooks, factory.class_), {})
    _listen(factory.class_)
    for session in getattr(host.session.registry, "registry", {}).values():  # those that are open already
        session.__class__ = factory.class_
