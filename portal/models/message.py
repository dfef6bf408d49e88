"""What waits for a receiver or a moment: messages, and the next start of a schedule."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime
from .user import BigId

_UNTAKEN = text("taken IS NULL AND expires IS NOT NULL")
_WAITING = text("taken IS NULL")


class Message(Base):
    """A message for a `MessageCatch` that was not armed when it came. Kept once taken, so that its key counts on."""

    __tablename__ = "portal_message"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    flow_label: Mapped[str] = mapped_column(String(150))
    node: Mapped[str] = mapped_column(String(150))
    #: None while the receiver is named by its fields alone
    process_id: Mapped[int | None] = mapped_column(ForeignKey("portal_process.id", ondelete="CASCADE"))
    #: the receiver's fields, where it is named by them
    fields: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: drops a second message with the same one
    key: Mapped[str | None] = mapped_column(String(255))
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    expires: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    taken: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        Index("ix_portal_message_receiver", "flow_label", "node", "process_id"),
        UniqueConstraint("flow_label", "node", "key", name="uq_portal_message_key"),
        Index(
            "ix_portal_message_waiting",
            "flow_label",
            "node",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        Index("ix_portal_message_expires", "expires", sqlite_where=_UNTAKEN, postgresql_where=_UNTAKEN),
    )


class Schedule(Base):
    """When a `StartTimer` starts next."""

    __tablename__ = "portal_schedule"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    flow_label: Mapped[str] = mapped_column(String(150))
    node: Mapped[str] = mapped_column(String(150))
    #: moves forward only
    next_start: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    #: how often this start could not be made, and until when it is left alone
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    lease: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (UniqueConstraint("flow_label", "node", name="uq_portal_schedule_node"),)
