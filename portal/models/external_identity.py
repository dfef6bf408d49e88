"""Whom a directory elsewhere knows: a provider of OpenID Connect, or LDAP."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime, utcnow
from .user import BigId


class ExternalIdentity(Base):
    """That a person here is one of a directory. They sign in by it, whatever they are called there later."""

    __tablename__ = "portal_external_identity"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"), index=True)
    #: the issuer of OpenID Connect, or `ldap`
    source: Mapped[str] = mapped_column(String(255))
    #: what never changes for this person there
    subject: Mapped[str] = mapped_column(String(255))
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)
    #: when the directory named them last
    seen: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)
    #: since when the directory shuts them out; it may let them in again, but not whom an administrator deactivated
    ended: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (UniqueConstraint("source", "subject", name="uq_portal_external_identity"),)
