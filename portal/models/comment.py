"""What people say beside the work on a process, and who wants to hear of it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import JSON, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UTCDateTime
from .process import Process
from .task import Task
from .user import BigId, User


class Comment(Base):
    """A remark on a process, perhaps on one task of it. One that is removed stays as a row without its text."""

    __tablename__ = "portal_comment"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    process_id: Mapped[int] = mapped_column(ForeignKey(Process.id, ondelete="CASCADE"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey(Task.id, ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    #: Markdown, as it was typed
    text: Mapped[str] = mapped_column(Text)
    #: the keys (see `usernames`) of those whom it names and who were told
    named: Mapped[list[str]] = mapped_column(JSON, default=list)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    edited: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    removed: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    removed_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))

    process: Mapped[Process] = relationship()
    author: Mapped[User] = relationship(foreign_keys=[author_id])
    removed_by: Mapped[User | None] = relationship(foreign_keys=[removed_by_id])
    task: Mapped[Task | None] = relationship()

    __table_args__ = (Index("ix_portal_comment_process", "process_id", "id"),)


class Follower(Base):
    """Who has said that they follow a process, or that they do not."""

    __tablename__ = "portal_follower"

    process_id: Mapped[int] = mapped_column(ForeignKey(Process.id, ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey(User.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    #: False where they have stopped: nothing makes them follow again but they themselves
    follows: Mapped[bool]
