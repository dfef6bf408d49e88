"""Comments on a process and the notices of them, in a transaction that the caller has begun."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from portal import markdown, usernames
from portal.errors import PermissionDenied, TransitionNotAllowed
from portal.language import gettext as _
from portal.models import Comment, Follower, Process, Task, User

from . import notifications, permissions, wishes, writes
from .notifications import News
from .transaction import clock

#: for how long their author may change or remove a comment
EDITABLE = dt.timedelta(minutes=10)
#: characters of a comment
LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Said:
    """A comment that is stored, and whom it names in vain."""

    comment_id: int
    #: people who may not see the process, and were not told
    unseeing: list[User]
    #: whom nobody is called
    unknown: list[str]


def add(session: Session, process_id: int, user_id: int, text: str, task_id: int | None = None) -> Said:
    """Store a comment, tell whom it names and who follows the process, and let its author follow it.

    Args:
        text: Markdown, as it was typed.
        task_id: the task that it is about.
    """
    process, author = session.get_one(Process, process_id), session.get_one(User, user_id)
    task = None if task_id is None else session.get_one(Task, task_id)
    people, unknown = _named(session, markdown.mentions(text))
    seeing = permissions.who_sees(session, process, people)
    comment = Comment(
        process_id=process_id, task_id=task_id, author_id=user_id, text=text, created=clock.get()(),
        named=[user.username_key for user in seeing],
    )  # fmt: skip
    session.add(comment)
    session.flush()
    if wishes.follows_own(author):
        follow(session, process_id, user_id, True, unless_said=True)
    _tell(session, comment, process, task, author, seeing)
    return Said(comment.id, [user for user in people if user not in seeing], unknown)


def _tell(
    session: Session, comment: Comment, process: Process, task: Task | None, by: User, named: Sequence[User]
) -> None:
    detail = {"comment": comment.id}
    about = (process, task, by, f"Comment/{comment.id}")
    keys = {user.id for user in named}
    rest = [user for user in notifications.followers(session, process) if user.id not in keys]
    news = [
        News("mention", *about, recipients=[(user, "mention") for user in named], detail=detail),
        News("comment", *about, recipients=[(user, "follower") for user in rest], detail=detail),
    ]
    notifications.write(session, clock.get()(), news)


def _named(session: Session, names: Sequence[str]) -> tuple[list[User], list[str]]:
    """The active people of these names, and the names that nobody has."""
    if not names:
        return [], []
    keys = {usernames.key(name): name for name in names}
    query = select(User).where(User.username_key.in_(keys), User.is_active)
    found = list(session.scalars(query.options(joinedload(User.roles)).order_by(User.id)).unique())
    there = {user.username_key for user in found}
    return found, [name for key, name in keys.items() if key not in there]


def edit(session: Session, comment_id: int, user_id: int, text: str) -> None:
    """Change one's own comment. Whom the new text names is marked, but not told: they are told of what is said.

    Raises:
        PermissionDenied: it is another person's.
        TransitionNotAllowed: it is too old, or removed.
    """
    comment = _locked(session, comment_id)
    demand_edit(comment, user_id)
    people, _ = _named(session, markdown.mentions(text))
    process = session.get_one(Process, comment.process_id)
    comment.text, comment.edited = text, clock.get()()
    comment.named = [user.username_key for user in permissions.who_sees(session, process, people)]


def remove(session: Session, comment_id: int, user_id: int) -> None:
    """Remove the text of a comment: one's own, or, as a manager of the flow, any. The row stays with its author.

    Raises:
        PermissionDenied: it is another person's.
        TransitionNotAllowed: it is one's own and too old, or removed already.
    """
    comment = _locked(session, comment_id)
    user = session.get_one(User, user_id)
    demand_remove(comment, user, session.get_one(Process, comment.process_id))
    comment.text, comment.named = "", []
    comment.removed, comment.removed_by_id = clock.get()(), user_id


def demand_edit(comment: Comment, user_id: int) -> None:
    if comment.removed is not None:
        raise TransitionNotAllowed(_("This comment was removed."))
    if comment.author_id != user_id:
        raise PermissionDenied(_("Only its author may change a comment."))
    if not is_fresh(comment):
        raise TransitionNotAllowed(
            _("A comment can be changed for %(number)s minutes only.", number=EDITABLE.seconds // 60)
        )


def demand_remove(comment: Comment, user: User, process: Process) -> None:
    if comment.removed is not None:
        raise TransitionNotAllowed(_("This comment was removed."))
    if not permissions.manages(user, process):
        demand_edit(comment, user.id)


def is_fresh(comment: Comment) -> bool:
    """Whether its author may still change a comment."""
    return comment.removed is None and clock.get()() < comment.created + EDITABLE


def _locked(session: Session, comment_id: int) -> Comment:
    query = select(Comment).where(Comment.id == comment_id).execution_options(populate_existing=True)
    found = session.scalars(query.with_for_update(of=Comment)).first()
    if found is None:
        raise LookupError(_("there is no such comment"))
    return found


def follow(
    session: Session, process_id: int, user_id: int, follows: bool, *, unless_said: bool = False
) -> None:
    """Follow a process, or stop it.

    Args:
        unless_said: leave it as the person has said once.
    """
    made = writes.insert(session, Follower).values(process_id=process_id, user_id=user_id, follows=follows)
    keys = ["process_id", "user_id"]
    if unless_said:
        writes.run(session, made.on_conflict_do_nothing(index_elements=keys))
    else:
        writes.run(session, made.on_conflict_do_update(index_elements=keys, set_={"follows": follows}))
    if follows:
        unmarked = (Process.id == process_id, Process.followed.is_not(True))
        writes.run(session, update(Process).where(*unmarked).values(followed=True))
