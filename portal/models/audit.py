"""The audit: a chain of hashes over rows that say who did what to people, permissions and processes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime
from .user import BigId


class AuditRow(Base):
    """One thing that was done. Rows are added and never changed; each one's hash covers the hash of the one before.

    Persons are in it by their number alone, so that the rows can stay as they are when a name is erased, and no key of
    the database ties them to what they tell of, so that they stay when that goes.
    """

    __tablename__ = "portal_audit"

    #: 1, 2, 3 … without gaps
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True)
    #: who did it; None is the system, or nobody who is known
    user_id: Mapped[int | None] = mapped_column(BigId)
    #: such as `sign-in`, `person.roles` or `skip`
    action: Mapped[str] = mapped_column(String(30))
    #: to what: `person`, `role`, `process`, `file`, `flow`, `list`; and its number or name
    subject: Mapped[str] = mapped_column(String(20), default="")
    subject_id: Mapped[str] = mapped_column(String(200), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_portal_audit_user", "user_id", "id"),
        Index("ix_portal_audit_action", "action", "id"),
        Index("ix_portal_audit_subject", "subject", "subject_id", "id"),
    )


class AuditHead(Base):
    """The number and the hash of the last row: who adds one locks it, and a row cut off at the end is missed."""

    __tablename__ = "portal_audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigId)
    hash: Mapped[str] = mapped_column(String(64))
