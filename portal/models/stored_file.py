"""A file in the storage: what is known of it. Its bytes are in `portal.storage`."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UTCDateTime
from .process import Process
from .task import Task
from .user import User

#: the longest name of a file that is kept
LONGEST_NAME = 200


class StoredFile(Base):
    """A file of a process: an upload in one of its fields, or one that was added to it.

    Whoever may see the process may read it. Without a process it is an upload that waits in somebody's draft
    (`pending`), which they alone may send again, or what a deleted process has left: maintenance removes it.
    """

    __tablename__ = "portal_file"

    #: cannot be guessed; its first part is the day, and the folder in the storage
    id: Mapped[str] = mapped_column(String(48), primary_key=True)
    process_id: Mapped[int | None] = mapped_column(ForeignKey(Process.id, ondelete="SET NULL"), index=True)
    #: where it was added; None for a start, and for a file of the process as a whole
    task_id: Mapped[int | None] = mapped_column(ForeignKey(Task.id, ondelete="SET NULL"), index=True)
    #: the field that it was sent for; None for a file of the process as a whole
    field: Mapped[str | None] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    type: Mapped[str] = mapped_column(String(150))
    #: in bytes
    size: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"), index=True)
    #: no form with it was accepted yet
    pending: Mapped[bool] = mapped_column(default=False)

    process: Mapped[Process | None] = relationship()
    user: Mapped[User | None] = relationship(lazy="joined", innerjoin=False)

    __table_args__ = (
        Index("ix_portal_file_loose", "created", sqlite_where=text("process_id IS NULL"),
              postgresql_where=text("process_id IS NULL")),
    )  # fmt: skip
