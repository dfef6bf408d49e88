"""What was typed into a form and is not accepted yet."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UTCDateTime


class Draft(Base):
    """One person's draft of one form. Nobody else reads it, whatever they manage."""

    __tablename__ = "portal_draft"

    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"), primary_key=True)
    #: the path of the form, without the prefix that the portal is mounted under
    place: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: whose form it is; no key, for a draft may outlive its task
    task_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    #: names and texts as a browser sends them, in order
    typed: Mapped[list[list[str]]] = mapped_column(JSON)
    saved: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True)


class ParkedForm(Base):
    """A form that was sent after its session had ended. It becomes a draft when its browser signs in again."""

    __tablename__ = "portal_parked_form"

    #: the hash of a key that only the browser has
    browser: Mapped[str] = mapped_column(String(64), primary_key=True)
    place: Mapped[str] = mapped_column(String(255), primary_key=True)
    task_id: Mapped[int | None] = mapped_column(BigInteger)
    #: whose session it was, where that is known: then it is theirs alone
    user_id: Mapped[int | None] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"), index=True)
    typed: Mapped[list[list[str]]] = mapped_column(JSON)
    saved: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True)
