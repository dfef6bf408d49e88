"""Declarations: what each version of a flow looked like, so that it can be drawn when its code has gone on."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime


class Declaration(Base):
    """A flow as it was declared; its tasks name it by their fingerprint."""

    __tablename__ = "portal_declaration"

    flow_label: Mapped[str] = mapped_column(String(150), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(16), primary_key=True)
    #: when it was seen first
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    #: its nodes and ways: see `portal.flow.snapshot`
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
