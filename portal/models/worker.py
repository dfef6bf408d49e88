"""Workers: a row for each process that runs timers and jobs."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime
from .user import BigId


class Worker(Base):
    """A process that fires timers or runs jobs, with its last heartbeat. Nothing depends on the row."""

    __tablename__ = "portal_worker"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: host and process id
    name: Mapped[str] = mapped_column(String(255))
    #: web, worker or celery
    kind: Mapped[str] = mapped_column(String(10))
    started: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    #: when it last said that it lives
    seen: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True)
    #: of the portal that it runs
    version: Mapped[str | None] = mapped_column(String(40))
    #: how many jobs ran there at that time
    held: Mapped[int] = mapped_column(default=0)
    #: how many of them had been given up, and still held their thread
    lost: Mapped[int] = mapped_column(default=0, server_default="0")
