"""Which processes are kept whatever the rules of retention say."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UTCDateTime, utcnow
from .process import Process
from .user import User


class LegalHold(Base):
    """A process that nobody may archive, anonymise or delete, with all that it has called and that has called it."""

    __tablename__ = "portal_legal_hold"

    #: the root of its tree
    process_id: Mapped[int] = mapped_column(ForeignKey(Process.id, ondelete="CASCADE"), primary_key=True)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(String(500), default="")

    user: Mapped[User | None] = relationship()
