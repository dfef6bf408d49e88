"""Who helps with a task beside its owner."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UTCDateTime, utcnow
from .user import User


class Helper(Base):
    """Somebody whom the owner of a task has asked to help: they see it and its process, and the owner finishes it."""

    __tablename__ = "portal_helper"

    task_id: Mapped[int] = mapped_column(ForeignKey("portal_task.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)

    user: Mapped[User] = relationship()

    __table_args__ = (Index("ix_portal_helper_user", "user_id", "task_id"),)
