"""Identifies who calls the API, by a token or by a browser's session, and counts how often a token is used."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from flask import abort, current_app, g, request, session
from flask_wtf.csrf import CSRFError, validate_csrf
from sqlalchemy import Connection, case, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import joinedload
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response as BaseResponse
from wtforms.validators import ValidationError

from portal.engine.transaction import clock
from portal.models import Token, User, db, hash_of
from portal.web.accounts.person import is_signed_in, person

log = logging.getLogger("portal.api")

SAFE = ("GET", "HEAD", "OPTIONS")
#: where a page says its token, by any of the usual names
CSRF_HEADERS = ("X-CSRFToken", "X-CSRF-Token")
#: uses are counted by the minute
WINDOW = dt.timedelta(minutes=1)
#: milliseconds that a request waits for a busy database to count it
PATIENCE = 200


def identify() -> None:
    """Find out who calls, before anything is done for them."""
    for name in ("token", "rate"):
        g.pop(name, None)
    given = request.authorization
    if given is not None:
        if given.type != "bearer" or not given.token:
            abort(401, "Programs show a token: Authorization: Bearer portal_…")
        _as_program(given.token)
    elif not is_signed_in():
        abort(401, "Show a token: Authorization: Bearer portal_…")
    elif not person().is_active:  # whom the application around the portal still signs in
        abort(403, "Your account is deactivated.")
    elif request.method not in SAFE:
        _demand_own_page()
    g.csrf_valid = True  # a form that is filled in for a program asks for no page's token


def demand_scope(scope: str) -> None:
    """Refuse a token that is not good for this. A person's own session is good for everything."""
    token: Token | None = g.get("token")
    if token is not None and scope not in token.scopes:
        abort(403, f"The token lacks the scope {scope}; it has {', '.join(token.scopes)}.")


def _as_program(secret: str) -> None:
    """Act as the person whose token this is."""
    now = clock.get()()
    query = select(Token).where(
        Token.token_hash == hash_of(secret), Token.revoked.is_(None), Token.expires > now
    )
    query = query.join(Token.user).where(User.is_active)
    token = db.session.scalars(query.options(joinedload(Token.user).joinedload(User.roles))).unique().first()
    if token is None:
        abort(401, "The token is unknown, expired or revoked.")
    g.token, g._login_user, g.portal_person = token, token.user, token.user
    _demand_room(token.id, now)


def _demand_own_page() -> None:
    """Refuse what another site could make a browser send."""
    if not current_app.config.get("WTF_CSRF_ENABLED", True):
        return
    try:
        validate_csrf(next(filter(None, map(request.headers.get, CSRF_HEADERS)), ""), time_limit=10**9)
    except ValidationError as error:
        raise CSRFError(str(error)) from error


# -- how often


def _demand_room(token_id: int, now: dt.datetime) -> None:
    """Count a use, for all processes together, and refuse one too many."""
    limit = current_app.extensions["portal"].api_rate
    minute = now.replace(second=0, microsecond=0)
    left = max(1, round((minute + WINDOW - now).total_seconds()))
    try:
        uses = _count(token_id, minute)
    except (
        SQLAlchemyError
    ) as error:  # a busy database refuses nobody: it says so itself where it cannot serve
        log.info("a use of token %s could not be counted: %s", token_id, type(error).__name__)
        return
    if not limit:
        return
    g.rate = {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(max(0, limit - uses)),
        "RateLimit-Reset": str(left),
    }
    if uses > limit:
        raise TooManyRequests(f"A token may be used {limit} times a minute.", retry_after=left)


def _count(token_id: int, minute: dt.datetime) -> int:
    """Count this use, and return how many there were in this minute. The count is written outside of the request's
    transaction and without waiting for the disk: a crash of the machine loses a minute's count at worst."""
    same = Token.seen == minute
    counted = (
        update(Token)
        .where(Token.id == token_id)
        .values(seen=minute, uses=case((same, Token.uses + 1), else_=1))
        .returning(Token.uses)
    )
    with db.engine.connect() as connection:
        usual = _hurry(connection)
        try:
            uses: int = connection.execute(counted).scalar_one()
            connection.commit()
        finally:
            connection.rollback()
            _set(connection, usual)
    return uses


def _hurry(connection: Connection) -> dict[str, int]:
    """Let one transaction wait neither for others nor for the disk. Returns SQLite's settings of before."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {PATIENCE}")
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        return {}
    raw: Any = connection.connection.driver_connection
    usual = {
        name: int(raw.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("busy_timeout", "synchronous")
    }
    _set(connection, {"busy_timeout": PATIENCE, "synchronous": min(usual["synchronous"], 1)})
    return usual


def _set(connection: Connection, pragmas: dict[str, int]) -> None:
    raw: Any = (
        connection.connection.driver_connection
    )  # between transactions, where SQLAlchemy would begin one
    for name, value in pragmas.items():
        raw.execute(f"PRAGMA {name}={value}")


def tell_rate(response: BaseResponse) -> BaseResponse:
    """Say in the headers of an answer how often the token may still be used."""
    response.headers.update(g.pop("rate", {}))
    if g.get("token") is not None and session.new:  # a program has no use for a cookie
        session.modified = False
    return response
