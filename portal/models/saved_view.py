"""A list that somebody has narrowed, kept under a name."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base
from .user import BigId, Role, User


class SavedView(Base):
    """The filters and the order of a list, for one person or for everyone with a role."""

    __tablename__ = "portal_saved_view"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    #: which list: `inbox`, `queue`, `archive`, `tasks`, `processes` or `mine`
    page: Mapped[str] = mapped_column(String(20))
    #: the filters as they stand in the address
    query: Mapped[str] = mapped_column(String(1000))
    #: who made it, and may remove it
    owner_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    #: everyone with this role has it too
    role_id: Mapped[int | None] = mapped_column(ForeignKey(Role.id, ondelete="CASCADE"), index=True)
