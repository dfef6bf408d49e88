"""Tasks: a row for each step of a process, and the links between them."""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint, false, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, orm_insert_sentinel, relationship, validates

from portal import jsonstore
from portal.flow import runtime
from portal.flow.base import title_of
from portal.flow.registry import registry

from .base import Base, UTCDateTime, demand_mapping, number_when_asked, utcnow
from .pointer import Pointer
from .process import Process
from .user import BigId, User

if TYPE_CHECKING:
    from portal.flow.activation import Activation
    from portal.flow.base import Node

task_link = Table(
    "portal_task_link",
    Base.metadata,
    Column("task_id", ForeignKey("portal_task.id", ondelete="CASCADE"), primary_key=True),
    Column("previous_id", ForeignKey("portal_task.id", ondelete="CASCADE"), primary_key=True, index=True),
)

#: who had a task of a process and no longer has it: they may still look
former_owner = Table(
    "portal_former_owner",
    Base.metadata,
    Column("user_id", ForeignKey("portal_user.id", ondelete="CASCADE"), primary_key=True),
    Column("process_id", ForeignKey("portal_process.id", ondelete="CASCADE"), primary_key=True, index=True),
)

#: a task is open while it has no `finished`
_OPEN = text("finished IS NULL")
_TO_REMIND = text("finished IS NULL AND remind IS NOT NULL")
#: the first of a process, which knows the declaration by which it was started
_FIRST = text("number = 1")
_AT_WORK = text("status = 'STARTED' AND lease IS NOT NULL")

#: how long before its due moment people are reminded of a task; half-way where there is less than twice that
LEAD = dt.timedelta(days=1)


def _open_index(name: str, *columns: Any) -> Index:
    return Index(name, *columns, sqlite_where=_OPEN, postgresql_where=_OPEN)


def _filled_index(name: str, *columns: Any, where: str = "") -> Index:
    """One of the rows that have a value in the first column: most have none, and cost it nothing."""
    filled = text(f"{where}{columns[0]} IS NOT NULL")
    return Index(name, *columns, sqlite_where=filled, postgresql_where=filled)


class Task(Base):
    """One step of a process. A task is open until it is DONE, CANCELED or REVIVED."""

    __tablename__ = "portal_task"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: 1, 2, 3 … within the process
    number: Mapped[int]
    process_id: Mapped[int] = mapped_column(ForeignKey("portal_process.id", ondelete="CASCADE"))
    flow_task: Mapped[str] = mapped_column(String(150))
    flow_task_type: Mapped[str] = mapped_column(String(50))
    status: Mapped[str] = mapped_column(String(12))
    #: the id, in the log, of the action that made this task
    trace: Mapped[str | None] = mapped_column(String(64))
    #: which state of the flow's declaration made this task
    fingerprint: Mapped[str | None] = mapped_column(String(16))
    #: the branch: `start/3_1` is branch 1 of the split task number 3; the engine keeps long ones short
    token: Mapped[str] = mapped_column(String(1000))
    #: what a waiting task waits for: the scope of a join, the name of a signal, the number of a host
    #: (as long as the longest token of before; SQLite knows no lengths)
    awaits: Mapped[str | None] = mapped_column(String(255).with_variant(String(1000), "postgresql"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("portal_user.id"))
    #: whether a rule of the flow chose the owner, who needs no permission then; who took it, or was handed it, does
    owner_by_rule: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: who is away and for whom the owner works on it, by that person's permission
    acting_for_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, name="fk_portal_task_acting_for"))
    owner_permission: Mapped[str | None] = mapped_column(String(150))
    #: the key of the one object for which the permission is asked
    owner_permission_obj: Mapped[str | None] = mapped_column(String(100))
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)
    assigned: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    started: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    finished: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    due: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: when people are next reminded of `due`, and of its passing
    remind: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: until when its owner's inbox shows it only below
    snoozed_until: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: when the clock turns to this task
    scheduled: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    priority: Mapped[int] = mapped_column(default=0)
    data: Mapped[dict[str, Any]] = mapped_column(jsonstore.document(), default=dict)
    artifact_type: Mapped[str | None] = mapped_column(String(255))
    artifact_key: Mapped[str | None] = mapped_column(String(255))
    seed_type: Mapped[str | None] = mapped_column(String(255))
    seed_key: Mapped[str | None] = mapped_column(String(255))
    external_task_id: Mapped[str | None] = mapped_column(String(255))
    #: which try of a job this is; a late worker of an earlier one is fenced off by it
    attempt: Mapped[int] = mapped_column(default=0)
    #: how often a timer or job of it was stopped by something other than the flow's code
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    #: until when it is left to whoever has claimed it: a dispatcher, or the worker that runs the job
    lease: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: what a running job says of itself: done, total, message
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    #: what a search finds this task by beside its process: its own data and artifact; most have none
    search_text: Mapped[str | None] = mapped_column(Text)

    #: lets SQLAlchemy insert many rows in one statement where the database numbers them itself
    _sentinel: Mapped[int | None] = orm_insert_sentinel()

    artifact = Pointer()
    seed = Pointer()

    process: Mapped[Process] = relationship(foreign_keys=[process_id])
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id], lazy="joined", innerjoin=False)
    acting_for: Mapped[User | None] = relationship(foreign_keys=[acting_for_id])
    # The engine writes the links, many rows at a time and beside the unit of work.
    previous: Mapped[list[Task]] = relationship(
        secondary=task_link,
        primaryjoin=id == task_link.c.task_id,
        secondaryjoin=id == task_link.c.previous_id,
        order_by="Task.number",
        viewonly=True,
    )
    leading: Mapped[list[Task]] = relationship(
        secondary=task_link,
        primaryjoin=id == task_link.c.previous_id,
        secondaryjoin=id == task_link.c.task_id,
        order_by="Task.number",
        viewonly=True,
    )

    __table_args__ = (
        UniqueConstraint("process_id", "number", name="uq_portal_task_number"),
        Index("ix_portal_task_process_node", "process_id", "flow_task"),
        Index(
            "ix_portal_task_version",
            "fingerprint",
            "process_id",
            sqlite_where=_FIRST,
            postgresql_where=_FIRST,
        ),
        _open_index("ix_portal_task_open", "process_id", "flow_task"),
        # the lists are read in the order of these, the soonest due first, then priority
        _filled_index(
            "ix_portal_task_inbox", "owner_id", "due", priority.desc(), "id", where="finished IS NULL AND "
        ),
        _open_index("ix_portal_task_queue", "status", "owner_permission", "due", priority.desc(), "id"),
        _open_index("ix_portal_task_due", "due", priority.desc(), "id"),
        _open_index("ix_portal_task_step", "flow_task", "due", priority.desc(), "id"),
        # what workers claim is read in this order: many may fall due at one moment, and none reads them all
        _filled_index("ix_portal_task_scheduled", "scheduled", "id", where="finished IS NULL AND "),
        _filled_index("ix_portal_task_awaits", "awaits", "scheduled", where="finished IS NULL AND "),
        _filled_index("ix_portal_task_external_task_id", "external_task_id"),
        Index("ix_portal_task_remind", "remind", "id", sqlite_where=_TO_REMIND, postgresql_where=_TO_REMIND),
        Index("ix_portal_task_lease", "lease", sqlite_where=_AT_WORK, postgresql_where=_AT_WORK),
        _filled_index("ix_portal_task_archive", "owner_id", "finished", "id"),
        _filled_index("ix_portal_task_acting_for", "acting_for_id", "finished"),
        Index(
            "ix_portal_task_search",
            text("portal_trigrams(search_text)"),
            postgresql_using="gin",
            postgresql_where=text("search_text IS NOT NULL"),
        ).ddl_if(dialect="postgresql"),
    )

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("data", {})
        super().__init__(**kwargs)

    @validates("data")
    def _demand_mapping(self, _name: str, value: Any) -> Any:
        return demand_mapping(value)

    @validates("due")
    def _remind_of(self, _name: str, due: dt.datetime | None) -> dt.datetime | None:
        if due is None:
            self.remind = None
        elif due.tzinfo is None:
            raise ValueError(f"{due!r} has no time zone; moments are timezone-aware")
        else:
            half_way = due if self.created is None else due - (due - self.created) / 2
            self.remind = max(due - LEAD, half_way)
        return due

    @hybrid_property
    def node(self) -> Node | None:
        """The node of the flow; in SQL its name. None when the code no longer has it, or what waits there now waits
        for something else."""
        # An action asks this at every turn: what is loaded is taken from where it lies.
        loaded = self.__dict__
        try:
            label = loaded["process"].__dict__["flow_label"]
            stands = loaded["flow_task"], loaded["flow_task_type"], loaded["status"]
        except (AttributeError, KeyError):
            label = self.process.flow_label
            stands = self.flow_task, self.flow_task_type, self.status
        flow_class = (registry.pinned.get() or registry.current).get(label)
        return None if flow_class is None else flow_class.definition.standing[stands]

    @node.inplace.expression
    @classmethod
    def _node_name(cls) -> Any:
        return cls.flow_task

    @property
    def _named_node(self) -> Node | None:
        flow_class = self.process.flow_class
        return None if flow_class is None else flow_class.definition.nodes.get(self.flow_task)

    @property
    def is_open(self) -> bool:
        return self.finished is None

    @property
    def is_boundary_event(self) -> bool:
        """Whether it is an event on the border of another task, as BPMN 2.0 calls it."""
        return self.flow_task_type.endswith("Boundary")

    @property
    def is_current(self) -> bool:
        """Whether the flow is declared today as it was when this task was made."""
        flow_class = self.process.flow_class
        return flow_class is not None and flow_class.definition.fingerprint == self.fingerprint

    @property
    def title(self) -> str:
        """What people call this step, also when the code no longer has its node."""
        node = self._named_node
        return node.title if node is not None else title_of(self.flow_task)

    def activation(self, user: User | int | None = None) -> AbstractContextManager[Activation]:
        """Lock the process, read this task again, and commit at the end of the block.

        Args:
            user: who acts, a `User` or an id; `None` is the system, which may do everything.

        Raises:
            UnsavedChanges: the session holds changes that are not saved.
        """
        return runtime.actions().activation(self, user)


registry.task_class = Task
number_when_asked(Process)
number_when_asked(Task)
