"""The base classes of models, the database handle, and times in UTC."""

from __future__ import annotations

import datetime as dt
import reprlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, MetaData, Table, TypeDecorator, event
from sqlalchemy.orm import DeclarativeBase, RelationshipProperty, object_session

from .session import Session


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


class Database(SQLAlchemy):
    """`portal.models.db`: in an application that has a Flask-SQLAlchemy object of its own, it shows that one's session
    and engines, so that whoever asks it works in the application's transaction."""

    @property
    def session(self) -> Any:
        try:  # as `host_db`: each page asks this often
            host = current_app.extensions.get("portal_host_db")
        except RuntimeError:
            host = None
        return self.__dict__["_own_session"] if host is None else host.session

    @session.setter
    def session(self, made: Any) -> None:
        self.__dict__["_own_session"] = made

    @property
    def engines(self) -> Any:
        host = host_db()
        return super().engines if host is None else host.engines


def host_db() -> SQLAlchemy | None:
    """The Flask-SQLAlchemy object of the application around the portal. None where it is ours."""
    try:  # to look first whether there is an application would take twice the time, and this is asked often
        found: SQLAlchemy | None = current_app.extensions.get("portal_host_db")
    except RuntimeError:
        return None
    return found


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
    db = Database(model_class=SiteBase, session_options={"class_": Session})


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

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        # In the place of `process_result_value`: a page reads hundreds of moments, and this calls once for each.
        read: Any = self.impl_instance.result_processor(dialect, coltype)

        def moment(value: Any) -> dt.datetime | None:
            if value is None:
                return None
            found: dt.datetime = value if read is None else read(value)
            return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)

        return moment


def demand_mapping(value: Any) -> Any:
    """What is assigned to a document of ours as a whole.

    Raises:
        ValueError: it is no mapping.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"data is a mapping, not {reprlib.repr(value)}")
    return value


def session_of(instance: Any) -> Any:
    """The session of an object; that of its process for a task which is about to be stored."""
    process = instance.__dict__.get("process")
    return object_session(instance if process is None else process)


def utcnow() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


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
