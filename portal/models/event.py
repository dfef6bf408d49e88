"""The append-only history: one row for each change of state."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, orm_insert_sentinel, relationship

from .base import Base, UTCDateTime
from .process import Process
from .task import Task
from .user import BigId, User


class SignalDelivery(Base):
    """A signal on its way to one armed catch."""

    __tablename__ = "portal_delivery"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("portal_task.id", ondelete="CASCADE"), index=True)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    #: its next try; who claims it moves that ahead
    scheduled: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    #: how often it could not be made
    failures: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (Index("ix_portal_delivery_scheduled", "scheduled", "id"),)


class SignalSubscription(Base):
    """A signal event that stands ready on the border of a task. It counts while its task is open."""

    __tablename__ = "portal_subscription"

    task_id: Mapped[int] = mapped_column(ForeignKey("portal_task.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), index=True)


class Event(Base):
    """When, who, what, from, to. `task` is None for a change of the process itself."""

    __tablename__ = "portal_event"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("portal_user.id"))
    process_id: Mapped[int] = mapped_column(ForeignKey("portal_process.id", ondelete="CASCADE"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("portal_task.id", ondelete="CASCADE"), index=True)
    #: an action's name for people, else start, step, timer, signal, message, job
    action: Mapped[str] = mapped_column(String(30))
    from_state: Mapped[str | None] = mapped_column(String(12))
    to_state: Mapped[str] = mapped_column(String(12))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    #: lets SQLAlchemy insert many rows in one statement where the database numbers them itself
    _sentinel: Mapped[int | None] = orm_insert_sentinel()

    user: Mapped[User | None] = relationship(lazy="joined", innerjoin=False)
    process: Mapped[Process] = relationship()
    task: Mapped[Task | None] = relationship()

    __table_args__ = (Index("ix_portal_event_process", "process_id", "id"),)
