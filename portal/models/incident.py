"""Incidents: steps that failed and wait for people, grouped by what failed where."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UTCDateTime
from .task import Task

_OPEN = text("closed IS NULL")


class Incident(Base):
    """What failed alike: one step of a flow with one error. It is never changed."""

    __tablename__ = "portal_incident"

    #: made of what follows, so that whoever meets it first stores it, and nobody has to look it up
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    flow_label: Mapped[str] = mapped_column(String(150), index=True)
    flow_task: Mapped[str] = mapped_column(String(150))
    error: Mapped[str] = mapped_column(String(200))
    #: without numbers, quoted values, ids and paths
    message: Mapped[str] = mapped_column(String(500))


class IncidentTask(Base):
    """A task that failed, from then until it leaves ERROR."""

    __tablename__ = "portal_incident_task"

    task_id: Mapped[int] = mapped_column(ForeignKey(Task.id, ondelete="CASCADE"), primary_key=True)
    incident_key: Mapped[str] = mapped_column(ForeignKey(Incident.key, ondelete="CASCADE"))
    opened: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    closed: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: the action that took it out of ERROR
    closed_by: Mapped[str | None] = mapped_column(String(30))
    #: the fresh task that tries it again
    retry_id: Mapped[int | None] = mapped_column(ForeignKey(Task.id, ondelete="SET NULL"), index=True)
    #: the fields of its process at that time, by name, as a correction's history keeps them
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    incident: Mapped[Incident] = relationship()

    __table_args__ = (
        Index("ix_portal_incident_task_open", "incident_key", "task_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_portal_incident_task_opened", "incident_key", "opened"),
        Index("ix_portal_incident_task_closed", "closed"),
    )  # fmt: skip
