"""Keys of start forms: a form that is sent twice starts one process."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime


class StartKey(Base):
    """The key of a start form that was accepted; written in the transaction that starts the process."""

    __tablename__ = "portal_start_key"

    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"), primary_key=True)
    #: a hash of the form's key and address
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: a hash of what was typed
    digest: Mapped[str] = mapped_column(String(64))
    #: the process; null only until the transaction ends
    process_id: Mapped[int | None] = mapped_column(
        ForeignKey("portal_process.id", ondelete="CASCADE"), index=True
    )
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True)
