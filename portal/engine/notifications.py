"""Decides who is notified of a change, and writes the rows of the outbox in the transaction of that change."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, and_, cast, or_, select
from sqlalchemy.orm import Session, joinedload

from portal.flow.notices import EVENTS
from portal.models import Absence, Follower, Outgoing, Process, Role, Task, User

from . import absences, incidents, notices, permissions, wishes, writes
from .bulk_insert import Change
from .statements.writing import ASKING

if TYPE_CHECKING:
    from .context import ActionContext

#: the states that are news, of a task and of a process
TASK_NEWS = {"ASSIGNED": "assigned", "ERROR": "failed"}
PROCESS_NEWS = {"DONE": "finished", "CANCELED": "finished", "FAILED": "failed"}

NAMESPACE = uuid.UUID("0b0e2a5c-6f1d-5a53-8f0a-0d8f2f1c7b11")

_everywhere: Callable[[], Sequence[str]] = tuple


def bind(everywhere: Callable[[], Sequence[str]]) -> None:
    """Say how the web hooks are found that are called for every flow."""
    global _everywhere
    _everywhere = everywhere


@dataclass(frozen=True, slots=True)
class News:
    """Something that people or programs are told."""

    event: str
    process: Process
    task: Task | None
    #: who did it; None for the portal itself
    by: User | None
    #: identifies the news: the same text is never sent twice
    cause: str
    error: str | None = None
    #: the id, in the log, of the action that made it
    trace: str | None = None
    #: who is told, each with the reason; None where the event says so
    recipients: Sequence[tuple[User, str]] | None = None
    #: a rule has chosen who gets the task, and not who set it off
    by_rule: bool = False
    #: what is kept beside
    detail: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, change: Change, run: ActionContext) -> News:
        """What a change of state is worth telling."""
        known, target = (
            (TASK_NEWS, change.task) if change.task is not None else (PROCESS_NEWS, change.process)
        )
        cause = f"{type(target).__name__}/{target.id}/{change.to}/{run.now.isoformat()}"
        error = change.detail.get("error")
        detail = {}
        if change.task is not None and change.to == "ERROR":
            detail["incident"] = incidents.group_of_task(change.task)["key"]
        by_rule = change.to == "ASSIGNED" and "rule" in change.detail
        return cls(
            known[change.to],
            change.process,
            change.task,
            run.user,
            cause,
            error,
            change.trace,
            None,
            by_rule,
            detail,
        )


def is_untold(change: Change, run: ActionContext) -> bool:
    """Whether nobody is to hear of it, and no program: of most tasks that are given, as they are given to whoever does
    it; of a process that nobody has started, and nobody follows."""
    task, process = change.task, change.process
    if task is None:
        if process.created_by_id is not None or process.followed:
            return False
    elif change.to != "ASSIGNED" or run.user is None or task.owner_id != run.user.id:
        return False
    return not _addresses(process)


def asking(session: Session) -> list[User]:
    """Who has asked to hear of the queue, by mail or in the portal."""
    query = select(User).where(*ASKING).options(joinedload(User.roles)).order_by(User.id)
    found = session.scalars(query).unique()
    return [user for user in found if wishes.by_mail(user, "queue") or wishes.in_portal(user, "queue")]


def write(session: Session, now: dt.datetime, news: Iterable[News], people: People | None = None) -> int:
    """Write what is to be sent. The number of rows.

    Args:
        people: finds who is told; of these news, unless it is given.
    """
    rows: list[dict[str, Any]] = []
    notices_of: dict[User, list[dict[str, Any]]] = {}
    people = People(session, news) if people is None else people
    for each in news:
        for user, payload in _receivers(people, each):
            if wishes.by_mail(user, each.event) and not wishes.is_daily(user):
                rows.append(_row("mail", each, f"user/{user.id}", payload, user_id=user.id))
            if (notice := _notice(each, user, payload)) is not None:
                notices_of.setdefault(user, []).append(notice)
        rows.extend(_hooks(each))
    for row in rows:
        row.update(created=now, scheduled=now, attempt=0)
    if rows:
        session.execute(writes.insert(session, Outgoing).on_conflict_do_nothing(), rows)
    notices.store(session, [notice for each in notices_of.values() for notice in each], notices_of)
    return len(rows)


def _row(kind: str, news: News, receiver: str, payload: dict[str, Any], **to: Any) -> dict[str, Any]:
    key = uuid.uuid5(NAMESPACE, f"{news.event}/{news.cause}/{receiver}")
    return {
        "process_id": news.process.id,
        "task_id": None if news.task is None else news.task.id,
        "kind": kind,
        "event": news.event,
        "payload": payload,
        "key": str(key),
        "user_id": to.get("user_id"),
        "url": to.get("url"),
        "trace": news.trace,
    }


def _receivers(people: People, news: News) -> Iterator[tuple[User, dict[str, Any]]]:
    """Each person who is told, once, with what is kept for them. Nobody hears of what they did themselves."""
    flow_class = news.process.flow_class
    if flow_class is None or not flow_class.process_notices.get(news.event, True):
        return
    seen: set[int] = set()
    for user, reason in people.of(news) if news.recipients is None else news.recipients:
        own = news.by is not None and news.by.id == user.id and reason != "manager"
        if not own and user.id not in seen:
            seen.add(user.id)
            payload = {"reason": reason, "by": None if news.by is None or news.by_rule else news.by.name}
            payload["state"] = news.process.status if news.task is None else news.task.status
            yield user, {**payload, **news.detail}


def _notice(news: News, user: User, payload: dict[str, Any]) -> dict[str, Any] | None:
    key = str(uuid.uuid5(NAMESPACE, f"{news.event}/{news.cause}/notice/{user.id}"))
    task_id = None if news.task is None else news.task.id
    return notices.row(user, news.event, key, process_id=news.process.id, task_id=task_id, payload=payload)


def _hooks(news: News) -> Iterator[dict[str, Any]]:
    if news.event not in EVENTS:
        return
    for url in _addresses(news.process):
        yield _row("hook", news, f"hook/{url}", described(news), url=url)


def _addresses(process: Process) -> Iterable[str]:
    """The web hooks that are called for a process."""
    flow_class = process.flow_class
    own = () if flow_class is None else flow_class.process_webhooks
    return dict.fromkeys((*own, *_everywhere()))


def described(news: News) -> dict[str, Any]:
    """What a web hook says. No data of the process: a receiver asks for what it may see."""
    process, task, flow_class = news.process, news.task, news.process.flow_class
    by_form: dict[str, Any] = {
        "event": news.event,
        "flow": {
            "label": process.flow_label,
            "title": None if flow_class is None else flow_class.definition.title,
        },
        "process": {
            "id": process.id,
            "status": process.status,
            "created": process.created.isoformat(),
            "created_by": process.created_by.username if process.created_by is not None else None,
        },
        "task": None,
        "by": None if news.by is None else news.by.username,
    }
    if task is not None:
        by_form["task"] = {
            "id": task.id,
            "number": task.number,
            "node": task.flow_task,
            "title": task.title,
            "status": task.status,
            "owner": task.owner.username if task.owner is not None else None,
            "due": task.due.isoformat() if task.due is not None else None,
        }
    if news.error is not None:
        by_form["error"] = news.error
    return by_form


class People:
    """Finds the people who are told, each question asked once in a transaction."""

    def __init__(self, session: Session, news: Iterable[News]) -> None:
        self.session = session
        self._news = news
        self._managers: dict[str, list[User]] = {}
        self._queue: list[User] | None = None
        self._substitutes: dict[int, list[Absence]] | None = None

    def of(self, news: News) -> Iterator[tuple[User, str]]:
        """Each person with the reason why it is told to them."""
        process, task = news.process, news.task
        if task is None:
            by_person = process.root_id is None and process.created_by_id is not None
            if by_person and process.created_by is not None:
                yield process.created_by, "requester"
            if process.followed:
                yield from ((user, "follower") for user in followers(self.session, process))
        elif news.event == "failed":
            yield from ((user, "manager") for user in self.managers(process.flow_label))
        elif task.owner is not None:
            yield task.owner, "owner"
            if news.by is None or news.by.id != task.owner_id:
                yield from ((user, "substitute") for user in self.substitutes(task))
        else:
            yield from ((user, "queue") for user in self.takers(task))

    def managers(self, label: str) -> list[User]:
        """Who manages a flow: the superusers where nobody else does."""
        if label not in self._managers:
            found = self._holding(f"{label}.manage")
            named = [user for user in found if f"{label}.manage" in user.all_permissions]
            self._managers[label] = named or [user for user in found if user.is_superuser]
        return self._managers[label]

    def _holding(self, permission: str) -> list[User]:
        """Superusers, and who holds a permission; JSON has no index, so its text narrows the search."""
        text = json.dumps(permission)
        by_role = User.roles.any(cast(Role.permissions, Text).contains(text, autoescape=True))
        directly = cast(User.permissions, Text).contains(text, autoescape=True)
        query = select(User).where(User.is_active, or_(User.is_superuser, directly, by_role))
        found = self.session.scalars(query.options(joinedload(User.roles)).order_by(User.id)).unique()
        return [user for user in found if user.can(permission)]

    def takers(self, task: Task) -> list[User]:
        """Who may take a task, and has asked to hear of the queue."""
        if self._queue is None:
            self._queue = asking(self.session)
        label = task.process.flow_label
        asked = [user for user in self._queue if wishes.hears_of_queue(user, label)]
        return [user for user in asked if permissions.may_take(self.session, user, task)]

    def substitutes(self, task: Task) -> list[User]:
        """Who does the work of a task's owner meanwhile; asked once for all that is told."""
        if self._substitutes is None:
            owners = {each.task.owner_id for each in self._news if each.task is not None}
            self._substitutes = absences.by_person(self.session, {key for key in owners if key is not None})
        of_owner = self._substitutes.get(task.owner_id or 0, ())
        found = [each.substitute for each in of_owner if each.covers(task.process.flow_label)]
        return [user for user in found if user is not None]


def followers(session: Session, process: Process) -> list[User]:
    """Who follows a process and may still see it; who started it does so unless they have stopped."""
    requester = process.created_by_id if process.root_id is None else None
    query = (
        select(User, Follower.follows)
        .outerjoin(Follower, and_(Follower.user_id == User.id, Follower.process_id == process.id))
        .where(or_(Follower.follows, User.id == requester), User.is_active)
        .options(joinedload(User.roles))
        .order_by(User.id)
    )
    rows = session.execute(query).unique()
    found = [user for user, follows in rows if (wishes.follows_own(user) if follows is None else follows)]
    return permissions.who_sees(session, process, found)
