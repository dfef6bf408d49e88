"""Bulk operations: one action on many tasks or processes, done by the workers in the background."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UTCDateTime
from .user import BigId, User

_RUNNING = text("state = 'RUNNING'")


class Operation(Base):
    """What is done with many, by whom and how far it is."""

    __tablename__ = "portal_operation"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: the action on each
    action: Mapped[str] = mapped_column(String(30))
    #: whose ids these are: task or process
    target: Mapped[str] = mapped_column(String(10))
    #: which ones: `incident`, a group's key; `ids`; or `filters`, those of a list
    scope: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="")
    #: None is the system: somebody at the terminal
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    finished: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: RUNNING, PAUSED, DONE or CANCELED
    state: Mapped[str] = mapped_column(String(10))
    #: when a worker turns to it next; who is at it moves that ahead
    scheduled: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    #: milliseconds between one and the next
    pause: Mapped[int] = mapped_column(default=0)
    #: the last id that was turned to; committed with what was done to it
    cursor: Mapped[int] = mapped_column(BigId, default=0)
    #: the last id that there was when it began: what comes later is not meant
    last: Mapped[int] = mapped_column(BigId)
    #: how many there were when it began
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)

    user: Mapped[User | None] = relationship()

    __table_args__ = (
        Index("ix_portal_operation_running", "scheduled", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
        Index("ix_portal_operation_user", "user_id", "id"),
    )


class OperationRefusal(Base):
    """Why something was not done with one of them."""

    __tablename__ = "portal_operation_refusal"

    operation_id: Mapped[int] = mapped_column(ForeignKey(Operation.id, ondelete="CASCADE"), primary_key=True)
    #: the id of the task or process
    target_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    words: Mapped[str] = mapped_column(Text)
