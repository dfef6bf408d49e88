"""Comments of a process, and whether somebody follows it.

A page asks with what it reads anyway whether there is anything: of a process that nobody spoke of no more is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session, joinedload

from portal.engine import wishes
from portal.models import BigId, Comment, Draft, Follower, Process, StoredFile, Task, User

#: comments on a page, and files
PAGE, FILES = 50, 100


#: the process that a page is about, as a value of its statement
PROCESS: Any = bindparam("process_id", type_=BigId)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the talk about a process before its comments are read: `talk_columns`.

    Attributes:
        follows: whether the person has said that they follow it, or do not.
        typed: the draft of their comment.
        comments, files: whether there are any.
    """

    follows: bool | None
    typed: list[list[str]] | None
    comments: bool
    files: bool


def talk_columns(process_id: Any) -> tuple[Any, ...]:
    """The columns of a `Known`. The statement needs the values `me` and `place`, which names the draft of a comment."""
    me = bindparam("me", type_=BigId)
    follows = select(Follower.follows).where(Follower.process_id == process_id, Follower.user_id == me)
    typed = select(Draft.typed).where(Draft.user_id == me, Draft.place == bindparam("place"))
    said = exists().where(Comment.process_id == process_id)
    files = exists().where(StoredFile.process_id == process_id, StoredFile.field.is_(None))
    return follows.scalar_subquery(), typed.scalar_subquery(), said, files


@dataclass(frozen=True, slots=True)
class Talk:
    """The comments of a process as a page shows them.

    Attributes:
        comments: the oldest of the page first.
        earlier: the number of the first comment shown, where there are earlier ones.
        follows: whether the person follows the process.
        draft: what they have typed and the portal has not taken.
        files: what people have attached, the newest first.
    """

    comments: list[Comment]
    earlier: int | None
    follows: bool
    draft: str
    files: list[StoredFile]


def talk(session: Session, user: User, process: Process, known: Known, before: int | None = None) -> Talk:
    """The newest comments of a process, or those before one.

    Args:
        before: the number of a comment.
    """
    found = _comments(session, process, before) if known.comments else []
    shown = found[:PAGE][::-1]
    requested = process.root_id is None and process.created_by_id == user.id
    by_itself = requested and wishes.follows_own(user)
    draft = next((text for name, text in known.typed or () if name == "text"), "")
    return Talk(
        shown,
        shown[0].id if len(found) > PAGE else None,
        by_itself if known.follows is None else known.follows,
        draft,
        attached(session, process) if known.files else [],
    )


def _comments(session: Session, process: Process, before: int | None) -> list[Comment]:
    query = (
        select(Comment)
        .where(Comment.process_id == process.id)
        .options(
            joinedload(Comment.author),
            joinedload(Comment.removed_by),
            joinedload(Comment.task).lazyload(Task.owner),
        )
        .order_by(Comment.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(Comment.id < before)
    return list(session.scalars(query))


def attached(session: Session, process: Process) -> list[StoredFile]:
    """The files of a process as a whole, the newest first."""
    query = select(StoredFile).where(StoredFile.process_id == process.id, StoredFile.field.is_(None))
    query = query.options(joinedload(StoredFile.user).lazyload(User.roles))
    return list(session.scalars(query.order_by(StoredFile.created.desc(), StoredFile.id).limit(FILES)))
