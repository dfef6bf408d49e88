"""The outbox: mail and web hooks, each a row until it is sent."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime
from .user import BigId

#: a row waits while it has a next try; it is sent, or given up, when it has none
_WAITING = text("scheduled IS NOT NULL")
_GIVEN_UP = text("scheduled IS NULL AND sent IS NULL")


class Outgoing(Base):
    """One mail to one person, or one call of one web hook.

    It is written in the transaction of its cause, and sent after the commit. `scheduled` is its next try; a sender
    that claims it moves that ahead by its lease, so that the row comes up again when the sender dies.
    """

    __tablename__ = "portal_outgoing"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: None for what is about no single process: a daily mail
    process_id: Mapped[int | None] = mapped_column(ForeignKey("portal_process.id", ondelete="CASCADE"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("portal_task.id", ondelete="CASCADE"))
    #: mail or hook
    kind: Mapped[str] = mapped_column(String(10))
    #: one of `portal.flow.notices.MAILS`, digest, or one of `portal.administration.account_mail.EVENTS`
    event: Mapped[str] = mapped_column(String(10))
    #: whom a mail is for; the address is read when it is sent
    user_id: Mapped[int | None] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"))
    #: where a hook leads
    url: Mapped[str | None] = mapped_column(String(2000))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: the same in every try, so that a receiver can drop what it has seen
    key: Mapped[str] = mapped_column(String(36), unique=True)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    scheduled: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: which try this is; a late sender of an earlier one is told apart by it
    attempt: Mapped[int] = mapped_column(default=0)
    sent: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: the id of the request, or the work, that it belongs to
    trace: Mapped[str | None] = mapped_column(String(64))
    #: why the last try failed
    error: Mapped[str | None] = mapped_column(String(500))

    __table_args__ = (
        Index(
            "ix_portal_outgoing_process", "process_id", "id", sqlite_where=_WAITING, postgresql_where=_WAITING
        ),
        Index(
            "ix_portal_outgoing_scheduled",
            "scheduled",
            "id",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        Index("ix_portal_outgoing_given_up", "id", sqlite_where=_GIVEN_UP, postgresql_where=_GIVEN_UP),
        Index("ix_portal_outgoing_sent", "sent"),
    )
