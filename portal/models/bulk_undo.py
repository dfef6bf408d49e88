"""What a bulk action has changed, so that whoever did it can put it back for some minutes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import UTCDateTime, db, utcnow
from .user import BigId, User


class BulkUndo(db.Model):
    """One bulk action of a person's."""

    __tablename__ = "portal_bulk_undo"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)
    #: what was done: assign, unassign, reassign, due, priority or snooze
    action: Mapped[str] = mapped_column(String(20))
    #: for each task its id, what it had before and what it has now
    changes: Mapped[list[list[Any]]] = mapped_column(JSON)

    __table_args__ = (Index("ix_portal_bulk_undo_created", "created"),)
