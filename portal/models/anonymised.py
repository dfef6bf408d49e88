"""Which processes were anonymised."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime
from .process import Process


class Anonymised(Base):
    """The root of a tree of processes whose content a rule of retention has emptied: it is done once."""

    __tablename__ = "portal_anonymised"

    process_id: Mapped[int] = mapped_column(ForeignKey(Process.id, ondelete="CASCADE"), primary_key=True)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime)
