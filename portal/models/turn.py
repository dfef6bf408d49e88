"""The state of a rule of assignment at a node: whose turn is next."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base
from .user import User


class Turn(Base):
    """Who got the last task of a node by a rule. Locked by an action that gives out the next one, until it commits."""

    __tablename__ = "portal_turn"

    flow_label: Mapped[str] = mapped_column(String(150), primary_key=True)
    node: Mapped[str] = mapped_column(String(150), primary_key=True)
    #: null until somebody got one, and where that person was erased
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
