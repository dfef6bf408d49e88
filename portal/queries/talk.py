"""What is said of a process, and whether somebody follows it: three statements for a page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.engine import wishes
from portal.models import Comment, Draft, Follower, Process, StoredFile, Task, User

#: comments on a page, and files
PAGE, FILES = 50, 100


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


def talk(session: Session, user: User, process: Process, place: str, before: int | None = None) -> Talk:
    """The newest comments of a process, or those before one.

    Args:
        place: where the draft of a comment is kept.
        before: the number of a comment.
    """
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
    found = list(session.scalars(query))
    shown = found[:PAGE][::-1]
    said, typed = session.execute(
        select(
            select(Follower.follows)
            .where(Follower.process_id == process.id, Follower.user_id == user.id)
            .scalar_subquery(),
            select(Draft.typed).where(Draft.user_id == user.id, Draft.place == place).scalar_subquery(),
        )
    ).one()
    requested = process.root_id is None and process.created_by_id == user.id
    by_itself = requested and wishes.follows_own(user)
    draft = next((text for name, text in typed or () if name == "text"), "")
    return Talk(
        shown,
        shown[0].id if len(found) > PAGE else None,
        by_itself if said is None else said,
        draft,
        attached(session, process),
    )


def attached(session: Session, process: Process) -> list[StoredFile]:
    """The files of a process as a whole, the newest first."""
    query = select(StoredFile).where(StoredFile.process_id == process.id, StoredFile.field.is_(None))
    query = query.options(joinedload(StoredFile.user).lazyload(User.roles))
    return list(session.scalars(query.order_by(StoredFile.created.desc(), StoredFile.id).limit(FILES)))
