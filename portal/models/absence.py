"""Absences: who is away, until when, and who does their work meanwhile."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UTCDateTime, utcnow
from .user import BigId, User


class Absence(Base):
    """A person is away from one moment to another. The flows say for which work the substitute stands in."""

    __tablename__ = "portal_absence"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    #: None where nobody stands in: the person is away all the same, and rules pass them over
    substitute_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    begins: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    #: the first moment at which they are back
    ends: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    #: labels of flows; all of them where it is empty
    flows: Mapped[list[str]] = mapped_column(JSON, default=list)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)
    #: who entered it, if it was not the person themselves
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    substitute: Mapped[User | None] = relationship(foreign_keys=[substitute_id])

    __table_args__ = (
        Index("ix_portal_absence_user", "user_id", "ends"),
        Index("ix_portal_absence_substitute", "substitute_id", "ends"),
    )

    def covers(self, label: str) -> bool:
        """Whether the substitute does the work in a flow."""
        return not self.flows or label in self.flows

    def is_at(self, moment: dt.datetime) -> bool:
        return self.begins <= moment < self.ends


# A person's are read with them at sign-in; declared here, for a person is there before their absences.
User.stand_ins = relationship(Absence, foreign_keys=[Absence.substitute_id], viewonly=True)
