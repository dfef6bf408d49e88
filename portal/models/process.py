"""Processes: a row for each run of a flow."""

from __future__ import annotations

import datetime as dt
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import DDL, ForeignKey, Index, String, Text, event, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, column_property, mapped_column, query_expression, relationship, validates

from portal import jsonstore
from portal.errors import Fault, FlowError
from portal.flow import runtime
from portal.flow.registry import registry
from portal.flow.source import of_attribute as place_of_attribute

from . import field_faults
from .base import Base, UTCDateTime, demand_mapping, utcnow
from .pointer import Pointer
from .user import BigId, User

if TYPE_CHECKING:
    from portal.flow.declaration import Flow

    from .task import Task

#: what a field or a node of an author's may not be called
RESERVED = frozenset(
    {
        *("id", "flow_class", "flow_label", "process_type", "status", "created", "finished", "data", "tasks"),
        *(
            "artifact",
            "artifact_type",
            "artifact_key",
            "seed",
            "seed_type",
            "seed_key",
            "parent_task",
            "children",
        ),
        *(
            "parent_task_id",
            "root_id",
            "task_count",
            "created_by",
            "created_by_id",
            "ended",
            "on_hold",
            "followed",
            "search_text",
            "depth",
        ),
        *("metadata", "registry", "query", "cancel", "suspend", "resume", "withdraw"),
    }
)


_OVER = text("finished IS NOT NULL AND parent_task_id IS NULL")


class Process(Base):
    """One run of a flow: its state and its data.

    A subclass without a `__tablename__` adds `jsonstore` fields and shares this table; one with a
    `__tablename__` and columns is stored in a joined table, whose key may be left to us.
    """

    __tablename__ = "portal_process"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    flow_label: Mapped[str] = mapped_column(String(150))
    process_type: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(12), default="NEW")
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)
    finished: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    data: Mapped[dict[str, Any]] = mapped_column(jsonstore.document(), default=dict)
    artifact_type: Mapped[str | None] = mapped_column(String(255))
    artifact_key: Mapped[str | None] = mapped_column(String(255))
    seed_type: Mapped[str | None] = mapped_column(String(255))
    seed_key: Mapped[str | None] = mapped_column(String(255))
    #: the task of the parent process that waits for this one. No ORM dependency: the task is always stored first
    parent_task_id: Mapped[int | None] = mapped_column(
        ForeignKey("portal_task.id", name="fk_portal_process_parent_task", use_alter=True)
    )
    #: the top of the tree, which every action locks; None for the top itself
    root_id: Mapped[int | None] = mapped_column(ForeignKey("portal_process.id"))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("portal_user.id"))
    #: how many processes are above this one
    depth: Mapped[int] = mapped_column(default=0)
    #: the number of the last task
    task_count: Mapped[int] = mapped_column(default=0)
    #: a path of the process has come to its end
    ended: Mapped[bool] = mapped_column(default=False)
    #: this process or one above it is suspended
    on_hold: Mapped[bool] = mapped_column(default=False)
    #: somebody has followed it, beside who started it: an action that ends it asks for followers only then
    followed: Mapped[bool | None]

    #: what a search looks through, see `portal.engine.search_text`; None until it is written
    search_text: Mapped[str | None] = mapped_column(Text)

    #: in lists, the part of `data` that summaries show; `data` itself is read when somebody asks for it
    _shown: Mapped[dict[str, Any] | None] = query_expression()

    artifact = Pointer()
    seed = Pointer()

    #: like `parent_task` readable at once, also in a start's function, before the process is stored
    created_by: Mapped[User | None] = relationship(lazy="joined", innerjoin=False, load_on_pending=True)
    tasks: Mapped[list[Task]] = relationship(
        foreign_keys="Task.process_id", order_by="Task.number", viewonly=True
    )
    parent_task: Mapped[Task | None] = relationship(
        foreign_keys=[parent_task_id], viewonly=True, load_on_pending=True
    )

    __mapper_args__ = {"polymorphic_on": "process_type", "polymorphic_identity": "process"}
    __table_args__ = (
        Index("ix_portal_process_label_id", "flow_label", "id"),
        Index("ix_portal_process_created", "created", "id"),
        Index("ix_portal_process_creator", "created_by_id", "id", sqlite_where=text("created_by_id IS NOT NULL"),
              postgresql_where=text("created_by_id IS NOT NULL")),
        # with the state, so that who looks for processes that stand still reads no rows for it
        Index("ix_portal_process_unfinished", "flow_label", "id", "status", sqlite_where=text("finished IS NULL"),
              postgresql_where=text("finished IS NULL")),
        # what has been over for how long, for retention
        Index("ix_portal_process_over", "flow_label", "finished", "id", sqlite_where=_OVER, postgresql_where=_OVER),
        Index("ix_portal_process_unsearched", "id", sqlite_where=text("search_text IS NULL"),
              postgresql_where=text("search_text IS NULL")),
        Index("ix_portal_process_search", text("portal_trigrams(search_text)"), postgresql_using="gin")
        .ddl_if(dialect="postgresql"),
        # most processes are called by no other: statistics must not take these for one caller's
        Index("ix_portal_process_root_id", "root_id", sqlite_where=text("root_id IS NOT NULL"),
              postgresql_where=text("root_id IS NOT NULL")),
        Index("ix_portal_process_parent_task_id", "parent_task_id", sqlite_where=text("parent_task_id IS NOT NULL"),
              postgresql_where=text("parent_task_id IS NOT NULL")),
    )  # fmt: skip

    @validates("data")
    def _demand_mapping(self, _name: str, value: Any) -> Any:
        return demand_mapping(value)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        own_key = {"id"} if "__tablename__" in cls.__dict__ else set()
        faults = [
            Fault(f"{cls.__name__}.{name}", text, *place_of_attribute(cls, name.partition(".")[0]))
            for name, text in field_faults.of_class(cls, RESERVED - own_key)
        ]
        if faults:
            raise FlowError(faults=faults)
        identity = f"{cls.__module__}:{cls.__qualname__}"
        # A class that is defined again (a reload, a test) takes the place of the old one.
        Process.__mapper__.polymorphic_map.pop(identity, None)
        cls.__mapper_args__ = {**cls.__dict__.get("__mapper_args__", {}), "polymorphic_identity": identity}
        if "__tablename__" in cls.__dict__ and not _has_key(cls):
            cls.id = column_property(
                mapped_column(
                    "id", BigId, ForeignKey("portal_process.id", ondelete="CASCADE"), primary_key=True
                ),
                Process.__table__.c.id,
            )
        super().__init_subclass__(**kwargs)

    def __init__(self, **kwargs: Any) -> None:
        # the document first: the fields that are given are written into it
        super().__init__(data=kwargs.pop("data", {}), **kwargs)

    if not TYPE_CHECKING:  # a checker would take every attribute for one that can be set

        def __setattr__(self, name: str, value: Any) -> None:
            """Refuse an attribute that is nearly called like one of ours: it would be lost at the next reading.

            Raises:
                AttributeError: with the name that was meant.
            """
            if not name.startswith("_") and name not in _attributes(type(self)):
                near = get_close_matches(name, _attributes(type(self)), 1, cutoff=0.75)
                if near:
                    raise AttributeError(
                        f"{type(self).__name__} has no field {name!r}; did you mean `{near[0]}`?"
                    )
            super().__setattr__(name, value)

    @hybrid_property
    def flow_class(self) -> type[Flow] | None:
        """The flow that this process runs; in SQL its label. None when the code no longer has it."""
        return (registry.pinned.get() or registry.current).get(self.flow_label)

    @flow_class.inplace.expression
    @classmethod
    def _flow_class_label(cls) -> Any:
        return cls.flow_label

    def cancel(self, user: User | int | None = None, reason: str | None = None) -> None:
        """Cancel this process, its children and every open task of them. A manager's.

        Args:
            user: who acts; None is the system.
            reason: why; it is kept in the history.
        """
        runtime.actions().cancel_process(self, user, reason)

    def suspend(self, user: User | int | None = None, reason: str | None = None) -> None:
        """Nobody works on the tasks of this process or of one below it until `resume`. Its arguments are those of
        `cancel`."""
        runtime.actions().suspend(self, user, reason)

    def resume(self, user: User | int | None = None, reason: str | None = None) -> None:
        """End a suspension. Its arguments are those of `cancel`."""
        runtime.actions().resume(self, user, reason)

    def withdraw(self, user: User | int | None = None, reason: str | None = None) -> None:
        """Take one's own request back: cancel it as who started it, while `Flow.withdraw` allows that. Its arguments
        are those of `cancel`.

        Raises:
            TransitionNotAllowed: it is over, or the flow does not allow it now.
            PermissionDenied: somebody else has started it.
        """
        runtime.actions().withdraw(self, user, reason)


@lru_cache(maxsize=1024)
def _attributes(cls: Any) -> frozenset[str]:
    """What a process of this class has."""
    return frozenset(name for name in dir(cls) if not name.startswith("_"))


#: the pieces of three letters that a text is found by, with a line break before and behind it; PostgreSQL's own module
#: for them is not on every server. A text is parted once: `substr` would count its letters anew for each piece
_TRIGRAMS: Any = DDL(  # type: ignore[no-untyped-call]
    r"""
CREATE OR REPLACE FUNCTION portal_trigrams(value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS
$$ SELECT array_agg(piece)
   FROM (SELECT letter || lead(letter) OVER () || lead(letter, 2) OVER () AS piece
         FROM unnest(string_to_array(E'\n' || value || E'\n', NULL)) AS letter) AS pieces
   WHERE piece IS NOT NULL $$
"""
)
event.listen(Process.__table__, "before_create", _TRIGRAMS.execute_if(dialect="postgresql"))


registry.plain_process = Process


class _Classes(dict[Any, Any]):
    """The mappers by `process_type`. A process whose class the code no longer has is a plain `Process`: it can be seen,
    cancelled, and moved by `portal flows rename-class`."""

    def __missing__(self, _process_type: str) -> Any:
        return Process.__mapper__


Process.__mapper__.polymorphic_map = _Classes(Process.__mapper__.polymorphic_map)
# SQLAlchemy would warn at each write of such a process; it never writes the column.
Process.__mapper__._validate_polymorphic_identity = None


def _has_key(cls: type) -> bool:
    columns = (
        value for value in vars(cls).values() if hasattr(value, "column") or hasattr(value, "primary_key")
    )
    return any(getattr(getattr(value, "column", value), "primary_key", False) for value in columns)
