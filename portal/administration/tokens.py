"""Makes and revokes API tokens with a row in the audit, and lists all of them for administrators."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, contains_eager

from portal.engine import audit
from portal.engine.audit import Entry
from portal.engine.transaction import clock
from portal.models import Token, User, issue
from portal.queries.paging import Key, Order, Page, fetch

_NEWEST: Order = (Key(Token.id, "id", descending=True),)


def make(
    session: Session, user: User, name: str, scopes: Iterable[str], days: int, by_id: int | None
) -> tuple[Token, str]:
    """Make a token; the caller commits. See `portal.models.issue`.

    Args:
        by_id: who makes it; None is the system.
    """
    token, secret = issue(session, user, name, scopes, days)
    _note(session, "token.made", by_id, token, days=days)
    return token, secret


def revoke(session: Session, token_id: int | None, by_id: int | None, *criteria: Any) -> Token | None:
    """Revoke a token that is good, so that no program can use it any more; the caller commits. None if there is none.

    Args:
        criteria: what else has to hold for it, such as whose it is.
    """
    query = select(Token).where(Token.id == token_id, Token.revoked.is_(None), *criteria)
    token = session.scalars(query.with_for_update(of=Token)).first()
    if token is not None:
        token.revoked = clock.get()()
        _note(session, "token.revoked", by_id, token)
    return token


def _note(session: Session, action: str, by_id: int | None, token: Token, **detail: Any) -> None:
    """Write to the audit. The owner's name of a token is left out, as it may name people."""
    detail = {"token": token.start, "scopes": list(token.scopes), **detail}
    audit.append(session, [Entry(action, by_id, "person", token.user_id, detail)])


def page(session: Session, q: str = "", after: str = "", size: int = 100) -> Page:
    """Tokens that are good now, with their owners, the newest first.

    Args:
        q: a part of the owner's user name or name, or of what the token is for.
    """
    query = select(Token).join(Token.user).options(contains_eager(Token.user).lazyload(User.roles))
    query = query.where(Token.revoked.is_(None), Token.expires > clock.get()())
    if q:
        query = query.where(
            or_(*(each.icontains(q, autoescape=True) for each in (User.username, User.full_name, Token.name)))
        )
    return fetch(session, query, _NEWEST, after, size)
