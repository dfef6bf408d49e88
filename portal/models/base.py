"""The database handle, the session, and what SQLite needs to be a safe database for many threads."""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import DateTime, Dialect, Engine, MetaData, Table, TypeDecorator, event
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, RelationshipProperty, object_session

from portal.errors import Busy, PortalError

from . import sqlite_file


class _Declared:
    """What the annotation of a relationship names is looked up in its module, and only then among the classes of its
    registry: `customer: Mapped[Customer | None] = relationship()` may lead from a process to a model of the site."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        annotated = [
            each
            for each in vars(cls).values()
            if isinstance(each, RelationshipProperty) and each.argument is None
        ]
        super().__init_subclass__(**kwargs)
        for relationship in annotated:
            if isinstance(name := relationship.argument, str):
                relationship.argument = NamedInModule(cls.__module__, name, relationship)


class NamedInModule:
    """Finds the class that a relationship's annotation names, when mappers are configured."""

    def __init__(self, module: str, name: str, relationship: RelationshipProperty[Any]) -> None:
        self.module, self.name, self._relationship = module, name, relationship

    @property
    def found(self) -> Any:
        """The class of that name in the module. None if only checkers import it."""
        value = getattr(sys.modules.get(self.module), self.name, None)
        return value if isinstance(value, type) else None

    def __call__(self) -> Any:
        return self.found or self._relationship._clsregistry_resolve_name(self.name)()


class Base(_Declared, DeclarativeBase):
    """Parent of the portal's own models and of processes. Their names are apart from those of other models."""

    metadata = MetaData(info={"bind_key": None})
    if TYPE_CHECKING:
        __table__: ClassVar[Table]


class SiteBase(_Declared, DeclarativeBase):
    """Parent of `db.Model`: class names of its own, and the portal's tables to point at."""

    metadata = Base.metadata


def _unstored(instance: Any) -> list[str]:
    """The pointers (see `pointer`) of an object that hold something without a key."""
    return [
        name for name in ("artifact", "seed") if f"_{name}" in instance.__dict__ and _waits(instance, name)
    ]


def _waits(instance: Any, name: str) -> bool:
    pointer: Any = getattr(type(instance), name, None)
    return hasattr(pointer, "unstored") and pointer.unstored(instance) is not None


class Session(FlaskSession):
    """A session that tells whoever guards it before it first speaks to the database.

    The engine runs an author's function under a guard that opens a savepoint only when the function really
    uses the database; `info["guard"]` is called at each such moment.
    """

    def _tell_guard(self) -> None:
        guard = self.info.get("guard")
        if guard is not None:
            guard()

    def flush(self, objects: Any = None) -> None:
        self._tell_guard()
        if self.info.get("flushed"):  # but for what is kept for behind a savepoint
            return
        rows = self.info.get("rows")
        written = () if rows is None else rows.pending()
        ours = (*self.new, *self.dirty) if objects is None else objects
        held = [(each, name) for each in (*ours, *written) for name in _unstored(each)]
        if held:  # what a process or a task points at is stored with it, and its key noted behind it
            pointed = [getattr(each, name) for each, name in held]
            self.add_all(pointed)
            super().flush(None if objects is None else pointed)
            for each, name in held:
                getattr(type(each), name).take_key(each)
        if objects is None or objects:  # an empty list would mean all
            super().flush(objects)
        if rows is not None:  # behind the processes that they belong to
            rows.write()

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

    def connection(self, *args: Any, **kwargs: Any) -> Any:
        self._tell_guard()
        return super().connection(*args, **kwargs)

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
        try:
            super().close()
        except (DBAPIError, InvalidRequestError):
            self.invalidate()

    @property
    def has_unsaved(self) -> bool:
        """Whether there are changes that a rollback would take back, written to the database already or not."""
        changed = any(self.is_modified(each) for each in self.dirty)
        return bool(changed or self.new or self.deleted or self.info.get("written"))


@event.listens_for(Session, "do_orm_execute")
def _statement(state: ORMExecuteState) -> None:
    state.session._tell_guard()  # type: ignore[attr-defined]
    if state.is_insert or state.is_update or state.is_delete:
        state.session.info["written"] = True


@event.listens_for(Session, "after_flush")
def _flushed(session: Any, _context: Any) -> None:
    session.info["written"] = True


@event.listens_for(Session, "after_commit")
@event.listens_for(Session, "after_rollback")
def _ended(session: Any) -> None:
    if not session.in_nested_transaction():
        session.info["written"] = False


@event.listens_for(Session, "after_soft_rollback")
def _taken_back(session: Any, savepoint: Any) -> None:
    run = session.info.get("run")
    if run is not None:
        run.taken_back(savepoint)


@event.listens_for(Session, "after_commit")
def _committed(session: Any) -> None:
    if not session.in_nested_transaction():
        session.info["commits"] = session.info.get("commits", 0) + 1


if TYPE_CHECKING:
    # Checkers take a class for a base only if it is declared, and the one in Flask-SQLAlchemy's handle is made at run
    # time: to them `db` has all that the handle has, by its metaclass, and a declared `Model`.
    class _Model(SiteBase):
        __abstract__ = True
        __table__: ClassVar[Table]

    class _Handle(SQLAlchemy, type):
        Model: type[_Model]  # type: ignore[assignment]

    class db(metaclass=_Handle):
        class Model(_Model):
            __abstract__ = True

else:
    db = SQLAlchemy(model_class=SiteBase, session_options={"class_": Session})


def is_storable(moment: dt.datetime) -> bool:
    """Whether it is a moment of which every database and every time zone can tell the date: years 2 to 9998."""
    return moment.tzinfo is not None and 1 < moment.year < dt.MAXYEAR


class UTCDateTime(TypeDecorator[dt.datetime]):
    """A moment: stored in UTC, timezone-aware in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; moments are timezone-aware")
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def session_of(instance: Any) -> Any:
    """The session of an object; that of its process for a task which is about to be stored."""
    process = instance.__dict__.get("process")
    return object_session(instance if process is None else process)


def utcnow() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _limit(engine: Engine, **seconds: float) -> None:
    """Set limits that nobody else has set: neither the URL, nor the role, the database or the server."""
    names = ", ".join(f"('{name}', '{value * 1000:.0f}')" for name, value in seconds.items())
    statement = (
        f"SELECT set_config(name, value, false) FROM (VALUES {names}) AS limits (name, value) "
        "JOIN pg_settings USING (name) WHERE source = 'default'"
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()  # a setting made in a transaction goes with it


def prepare_engine(engine: Engine, lock_timeout: float = 5, statement_timeout: float = 60) -> None:
    """Make an engine fit for actions: limits; on SQLite, write-ahead log, durable, foreign keys, explicit BEGIN.

    Args:
        lock_timeout: how many seconds a statement waits for what somebody else has locked.
        statement_timeout: how many seconds a statement may take, on PostgreSQL.
    """
    if engine.dialect.name == "postgresql":
        _limit(
            engine,
            lock_timeout=lock_timeout,
            statement_timeout=statement_timeout,
            idle_in_transaction_session_timeout=5 * statement_timeout,
        )
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we emit BEGIN ourselves, see below
        cursor = connection.cursor()
        pragmas = ["foreign_keys=ON", f"busy_timeout={lock_timeout * 1000:.0f}"]
        if "mode=memory" in str(
            engine.url
        ):  # connections share one cache, where a reader would block a writer
            pragmas.append("read_uncommitted=ON")
        else:
            pragmas += ["journal_mode=WAL", "synchronous=FULL"]
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    sqlite_file.watch(engine)
    writing = threading.Lock()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A transaction that will write takes the write lock at its first line: one that upgrades later can
        # find its snapshot stale and fail, however long it is willing to wait.
        if not connection.get_execution_options().get("writes"):
            connection.exec_driver_sql("BEGIN")
            return
        # Threads of one process take turns: SQLite's own waiters sleep up to a tenth of a second, and none is next.
        began = time.monotonic()
        if not writing.acquire(timeout=lock_timeout):
            raise Busy
        connection.info["turn"] = True
        try:
            _begin_immediate(connection, lock_timeout - (time.monotonic() - began))
        except BaseException:
            _pass_on(connection.info)
            raise

    def _begin_immediate(connection: Any, left: float) -> None:
        """Take the write lock, in what is left of the time to wait for it."""
        shortened = left < lock_timeout * 0.9
        if shortened:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={max(left, 0) * 1000:.0f}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            if shortened:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={lock_timeout * 1000:.0f}")

    def _pass_on(info: dict[Any, Any]) -> None:
        if info.pop("turn", False):
            writing.release()

    def _ended(connection: Any) -> None:
        if not connection.invalidated:
            _pass_on(connection.info)

    for end in ("commit", "rollback"):
        event.listen(engine, end, _ended)
    for end in ("reset", "invalidate"):
        event.listen(engine, end, lambda _connection, record, _why: _pass_on(record.info))


def number_when_asked(model: Any) -> None:
    """Let an author's function read the key of a row that is not stored yet: it is stored at that moment.

    Most functions never ask, and cost no statement.
    """

    @event.listens_for(model.id, "init_scalar", propagate=True, retval=True)
    def number(target: Any, _value: Any, stored: dict[str, Any]) -> Any:
        session = session_of(target)
        if session is not None and session.info.get("guard") is not None:
            session.flush()
        return stored.get("id")
