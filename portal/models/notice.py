"""Notices: what a person is told inside the portal, and once a day by mail."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UTCDateTime
from .process import Process
from .task import Task
from .user import BigId, User

_UNREAD = text("shown AND read IS NULL")
_FOR_DIGEST = text("digest")


class Notice(Base):
    """One piece of news for one person. It is written in the transaction of its cause."""

    __tablename__ = "portal_notice"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    #: see `portal.flow.notices`; besides, `substitute`
    event: Mapped[str] = mapped_column(String(10))
    process_id: Mapped[int | None] = mapped_column(ForeignKey(Process.id, ondelete="CASCADE"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey(Task.id, ondelete="CASCADE"))
    #: who did it, in which state, why it is told, which comment
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: the same for the same news, so that it is told once
    key: Mapped[str] = mapped_column(String(36), unique=True)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True)
    #: whether it is on the page of notices; else it is there for the daily mail alone
    shown: Mapped[bool] = mapped_column(default=True)
    #: whether it waits for the next daily mail
    digest: Mapped[bool] = mapped_column(default=False)
    read: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)

    process: Mapped[Process | None] = relationship()
    task: Mapped[Task | None] = relationship()

    __table_args__ = (
        Index("ix_portal_notice_user", "user_id", "id"),
        Index("ix_portal_notice_process", "process_id"),
        Index("ix_portal_notice_task", "task_id"),
        Index("ix_portal_notice_unread", "user_id", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
        Index(
            "ix_portal_notice_digest", "user_id", "id", sqlite_where=_FOR_DIGEST, postgresql_where=_FOR_DIGEST
        ),
    )


class Digest(Base):
    """When a person's next daily mail is to be made. The row goes when that is done."""

    __tablename__ = "portal_digest"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    due: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True)


class CalendarFeed(Base):
    """The secret address of a person's calendar, of which only the hash is kept."""

    __tablename__ = "portal_calendar_feed"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime)
