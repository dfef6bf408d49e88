"""Mail that was taken in: each once, however often its server delivers it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime


class ReceivedMail(Base):
    """One mail; written in the transaction of what it did."""

    __tablename__ = "portal_received_mail"

    #: a hash of its Message-ID
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: a hash of the token of the notice that it answers: one answer a notice
    token: Mapped[str | None] = mapped_column(String(64), unique=True)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True)
