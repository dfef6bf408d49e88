"""Sessions of people, and attempts to sign in."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime, utcnow
from .user import BigId


class UserSession(Base):
    """A sign-in that has not ended. Its cookie holds a random token, of which only the hash is kept here."""

    __tablename__ = "portal_user_session"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    #: that of the person at the time: a new password ends the sessions of the old one
    session_key: Mapped[str] = mapped_column(String(32))
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)
    #: when it ends in any case, where who let them in has said so
    ends: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: when it was last used, to about a minute
    seen: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow, index=True)
    address: Mapped[str] = mapped_column(String(45), default="")
    #: what the browser says it is
    agent: Mapped[str] = mapped_column(String(400), default="")


class SignInAttempt(Base):
    """A try to sign in that has not succeeded. Kept for as long as it counts."""

    __tablename__ = "portal_sign_in_attempt"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True)
    #: a keyed hash of the name, known or not: people type passwords into the wrong field
    name_hash: Mapped[str] = mapped_column(String(64))
    #: the address that it came from, or the network where one person has many
    address: Mapped[str] = mapped_column(String(50))
    #: a hash of the browser's token, where this person has signed in from it before
    device_hash: Mapped[str | None] = mapped_column(String(64))
    #: false while the password is being checked
    failed: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        Index("ix_portal_sign_in_attempt_name", "name_hash", "created"),
        Index("ix_portal_sign_in_attempt_address", "address", "created"),
    )
