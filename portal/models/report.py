"""What happened each day, counted: reports are read from here, and not from the history."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base
from .user import User


class ReportCursor(Base):
    """How far the history is counted: one row, locked by whoever counts on."""

    __tablename__ = "portal_report_cursor"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: every event up to this one is counted, each once
    event_id: Mapped[int] = mapped_column(BigInteger, default=0)
    #: up to this event the history is settled as soon as the transactions before `fence` have ended (PostgreSQL)
    settled_id: Mapped[int] = mapped_column(BigInteger, default=0)
    fence: Mapped[int] = mapped_column(BigInteger, default=0)
    #: in which the days are meant
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")


class _Daily:
    """What one declaration of a flow saw on one day. Its columns come first: reports read the days of a flow."""

    flow_label: Mapped[str] = mapped_column(String(150), primary_key=True, sort_order=-3)
    day: Mapped[dt.date] = mapped_column(primary_key=True, sort_order=-2)
    #: the fingerprint with which the process was started
    version: Mapped[str] = mapped_column(String(16), primary_key=True, sort_order=-1)


class DailyFlow(_Daily, Base):
    """Processes that were started and that ended."""

    __tablename__ = "portal_daily_flow"

    started: Mapped[int]
    finished: Mapped[int]
    cancelled: Mapped[int]
    failed: Mapped[int]
    #: ended before, and opened again by an undo
    reopened: Mapped[int]


class DailyStep(_Daily, Base):
    """Tasks of one step."""

    __tablename__ = "portal_daily_step"

    step: Mapped[str] = mapped_column(String(150), primary_key=True)
    #: became open, and no longer are: their difference, summed up to a day, is what was open then
    entered: Mapped[int]
    left: Mapped[int]
    done: Mapped[int]
    cancelled: Mapped[int]
    #: how often it failed
    failed: Mapped[int]
    #: done after it was due
    late: Mapped[int]
    #: reached again on the same path
    rework: Mapped[int]
    #: of those done, in milliseconds: nobody had it, or it waited for its moment; somebody had it, or it ran
    waiting: Mapped[int] = mapped_column(BigInteger)
    working: Mapped[int] = mapped_column(BigInteger)


class DailyPerson(_Daily, Base):
    """Tasks that a person finished."""

    __tablename__ = "portal_daily_person"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    done: Mapped[int]
    late: Mapped[int]
    #: milliseconds from the moment in which somebody had them
    working: Mapped[int] = mapped_column(BigInteger)


class DailyDuration(_Daily, Base):
    """How many took about so long; see `portal.engine.reports.durations`."""

    __tablename__ = "portal_daily_duration"

    #: cycle: a whole process; step: a task; path: a process that went this way
    kind: Mapped[str] = mapped_column(String(5), primary_key=True)
    #: of a step, or the key of a path; empty for a cycle
    name: Mapped[str] = mapped_column(String(150), primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]


class ReportPath(Base):
    """A way that processes went from start to end."""

    __tablename__ = "portal_report_path"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: the names of steps in their order, and at last how it ended
    steps: Mapped[list[Any]] = mapped_column(JSON)
    ending: Mapped[str] = mapped_column(String(12))
