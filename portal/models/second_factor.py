"""Second factors: secrets of apps (TOTP), and recovery codes."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime, utcnow
from .user import BigId


class SecondFactor(Base):
    """That a person signs in with a code of an app too.

    The secret of the codes is not here: it is made from `nonce` with the portal's secret key, so that who reads the
    database alone can make no code.
    """

    __tablename__ = "portal_second_factor"

    user_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("portal_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    nonce: Mapped[str] = mapped_column(String(64))
    #: the time step (of 30 seconds) of the last code that was taken: no code is good twice
    counter: Mapped[int] = mapped_column(BigInteger, default=0)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)


class RecoveryCode(Base):
    """A code that takes the place of one of the app, once. It is random and long; only a hash of it is kept."""

    __tablename__ = "portal_recovery_code"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    used: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
