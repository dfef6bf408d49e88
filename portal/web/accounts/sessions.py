"""Sessions as rows: signing out ends one wherever its cookie is, and each can be ended from another one."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import secrets
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request, session
from flask.sansio.scaffold import Scaffold
from flask_login import login_user, logout_user, user_logged_in, user_logged_out
from sqlalchemy import CursorResult, delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import audit
from portal.engine.audit import Entry
from portal.models import User, UserSession, db, utcnow

from ..mount import mount
from ..pending import SAFE
from ..writing import writing
from .devices import device

log = logging.getLogger("portal.web")

#: `seen` is written when it is older than this
SEEN = dt.timedelta(minutes=1)
#: milliseconds that a page waits for a busy database to write `seen`
PATIENCE = 50
#: where the token is in the session: Flask-Login's place, or our own in another's application
_TOKEN, _TOKEN_OF_GUEST = "_user_id", "_portal_user"


@dataclass(frozen=True, slots=True)
class Listed:
    """A session in words."""

    id: int
    device: str
    address: str
    created: dt.datetime
    seen: dt.datetime
    current: bool


def token_name() -> str:
    return _TOKEN if mount().whole else _TOKEN_OF_GUEST


def _token() -> str:
    found: str = session.get(token_name(), "")
    return found


def load(token: str) -> User | None:
    """The person whose session this is, read in one statement with it. None where it has ended."""
    now, settings = utcnow(), current_app.extensions["portal"]
    idle_since, oldest = now - settings.session_idle, now - settings.session_lifetime
    writes = request.method not in SAFE
    found = queries.signed_in(db.session(), _hash(token), now, idle_since, oldest, writes=writes)
    if found is None:
        return None
    g.user_session = found.session_id, found.seen
    g.unread = found.unread
    g.spoken = found.user.language
    return found.user


def whose() -> int | None:
    """The person of this browser's session, also of one that was idle for too long."""
    query = select(UserSession.user_id).where(UserSession.token_hash == _hash(_token()))
    found: int | None = db.session.scalar(query)
    return found


def begin(user: User, *, anew: bool = True, ends: dt.datetime | None = None, way: str = "") -> None:
    """Sign somebody in with this browser. What it was signed in to before ends.

    Args:
        anew: they were not signed in before: it is kept as their last sign-in.
        ends: when it ends in any case.
        way: how they have signed in, for the audit.
    """
    now, settings = utcnow(), current_app.extensions["portal"]
    token = secrets.token_urlsafe(32)
    user_id, key = user.id, user.session_key
    old = _token()
    made = UserSession(
        user_id=user_id,
        token_hash=_hash(token),
        session_key=key,
        created=now,
        seen=now,
        ends=ends,
        address=(request.remote_addr or "")[:45],
        agent=request.headers.get("User-Agent", "")[:400],
    )
    with writing() as database:
        database.execute(delete(UserSession).where(UserSession.token_hash == _hash(old)))
        ended = select(UserSession.id).where(
            (UserSession.seen <= now - settings.session_idle)
            | (UserSession.created <= now - settings.session_lifetime)
            | (UserSession.ends <= now)
        )
        ended = ended.limit(1000).with_for_update(skip_locked=True)  # where several do so at once
        database.execute(delete(UserSession).where(UserSession.id.in_(ended)))
        database.add(made)
        if anew:
            database.execute(update(User).where(User.id == user_id).values(last_sign_in=now))
            detail = {**where_from(), **({"way": way} if way else {})}
            audit.append(database, [Entry("sign-in", user_id, "person", user_id, detail)])
    if mount().whole:
        session.clear()
        login_user(user)
    else:  # the rest of the session is the application's
        g.portal_person = user
        user_logged_in.send(current_app._get_current_object(), user=user)  # type: ignore[attr-defined]
    session[token_name()] = token


def end() -> None:
    """Sign out: the session ends, on whatever machine its cookie may be."""
    if token := _token():
        number = whose()
        with writing() as database:
            database.execute(delete(UserSession).where(UserSession.token_hash == _hash(token)))
            if number is not None:
                audit.append(database, [Entry("sign-out", number, "person", number)])
    if mount().whole:
        logout_user()
        session.clear()
    else:
        user = g.pop("portal_person", None)
        user_logged_out.send(current_app._get_current_object(), user=user)  # type: ignore[attr-defined]
        session.pop(token_name(), None)


def note_failure(user_id: int | None, **more: str) -> None:
    """Keep in the audit that somebody could not sign in."""
    with writing() as database:
        subject = ("", "") if user_id is None else ("person", str(user_id))
        audit.append(database, [Entry("sign-in.failed", None, *subject, {**where_from(), **more})])


def where_from() -> dict[str, str]:
    """From where a request comes, for the audit."""
    agent = request.headers.get("User-Agent", "")[:400]
    return {"address": (request.remote_addr or "")[:45], "device": device(agent)}


def end_one(user: User, session_id: int) -> bool:
    """End a session of this person. False if there is none of this number."""
    return _delete(user.id, UserSession.id == session_id) > 0


def end_others(user: User) -> int:
    """End all sessions of this person but the one of this browser. Their number."""
    others = UserSession.token_hash != _hash(_token())
    return _delete(user.id, others)


def listed(user: User) -> list[Listed]:
    """The sessions of a person, this one first and then those used last."""
    now, settings = utcnow(), current_app.extensions["portal"]
    query = select(UserSession).where(
        UserSession.user_id == user.id,
        UserSession.session_key == user.session_key,
        UserSession.seen > now - settings.session_idle,
        UserSession.created > now - settings.session_lifetime,
        or_(UserSession.ends.is_(None), UserSession.ends > now),
    )
    current = _hash(_token())
    found = [
        Listed(row.id, device(row.agent), row.address, row.created, row.seen, row.token_hash == current)
        for row in db.session.scalars(query.order_by(UserSession.seen.desc(), UserSession.id.desc()))
    ]
    return sorted(found, key=lambda each: not each.current)


def note_seen(response: BaseResponse) -> BaseResponse:
    """Write that the session is in use, about once a minute, on a connection of its own: the page is made already,
    and no trouble with the database may take it away."""
    found: tuple[int, dt.datetime] | None = g.pop("user_session", None)
    now = utcnow()
    idle = current_app.extensions["portal"].session_idle
    if found is None or now - found[1] < min(SEEN, idle / 4):
        return response
    try:
        _touch(found[0], now)
    except SQLAlchemyError as error:
        log.info("a session could not be noted as seen: %s", type(error).__name__)
    return response


def _touch(session_id: int, now: dt.datetime) -> None:
    with db.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite:
            usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
            connection.exec_driver_sql(f"PRAGMA busy_timeout={PATIENCE}")
        else:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {PATIENCE}")
        try:
            connection.execute(update(UserSession).where(UserSession.id == session_id).values(seen=now))
            connection.commit()
        finally:
            connection.rollback()
            if is_sqlite:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={usual}")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _delete(user_id: int, criterion: Any) -> int:
    with writing() as database:
        ended = delete(UserSession).where(UserSession.user_id == user_id, criterion)
        result: CursorResult[Any] = database.execute(ended)  # type: ignore[assignment]
        count = result.rowcount
        if count:
            audit.append(database, [Entry("session.ended", user_id, "person", user_id, {"sessions": count})])
        return count


def attach(scope: Scaffold) -> None:
    scope.after_request(note_seen)
