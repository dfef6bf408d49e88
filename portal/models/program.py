"""API tokens, and the answers that are kept for their idempotency keys."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from portal.errors import PortalError
from portal.jsonstore import check_text

from .base import Base, UTCDateTime, utcnow
from .user import BigId, User

#: what a token may be good for, from looking on to everything
SCOPES = ("read", "start", "work", "manage", "admin")
#: the longest life of a token, in days
LONGEST = 366
#: how every token begins, so that scanners of source code know a lost one
MARK = "portal_"
_NAME = 100


class Token(Base):
    """Lets a program act as a person, within some scopes. Only a hash of it is kept."""

    __tablename__ = "portal_token"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    #: what its owner calls it
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    #: how it begins, so that its owner knows it again
    start: Mapped[str] = mapped_column(String(16))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)
    expires: Mapped[dt.datetime] = mapped_column(UTCDateTime)
    revoked: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: the minute in which it was used last, and how often within that
    seen: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    uses: Mapped[int] = mapped_column(default=0)

    user: Mapped[User] = relationship()


class KeptAnswer(Base):
    """The answer to a request with an `Idempotency-Key`; written in the transaction of what the request did."""

    __tablename__ = "portal_idempotency"

    #: a hash of the key and of whose it is
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: whose; None for a call that no person makes
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    #: a hash of the request: its method, address and body
    digest: Mapped[str] = mapped_column(String(64))
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, index=True)
    #: null only until the transaction ends
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    body: Mapped[str | None] = mapped_column(Text)


def issue(session: Session, user: User, name: str, scopes: Iterable[str], days: int) -> tuple[Token, str]:
    """Make a token; the caller commits.

    Args:
        user: as whom a program acts with it.
        name: what it is for.
        scopes: some of `SCOPES`.
        days: until it expires.

    Returns:
        The row, and the token itself, which cannot be read again.

    Raises:
        PortalError: no name, no such scope, or no such span.
    """
    try:
        name = check_text(name).strip()
    except ValueError as error:
        raise PortalError(f"this cannot be the name of a token: {error}") from error
    wanted = set(scopes)
    if not name or len(name) > _NAME:
        raise PortalError(f"a token has a name of at most {_NAME} characters: say what it is for")
    if not wanted or not wanted <= set(SCOPES):
        raise PortalError(f"a token has some of the scopes {', '.join(SCOPES)}")
    if not 1 <= days <= LONGEST:
        raise PortalError(f"a token lives from 1 to {LONGEST} days")
    secret = MARK + secrets.token_urlsafe(32)
    now = utcnow()
    token = Token(
        user_id=user.id,
        name=name,
        token_hash=hash_of(secret),
        start=secret[: len(MARK) + 4],
        scopes=[scope for scope in SCOPES if scope in wanted],
        created=now,
        expires=now + dt.timedelta(days=days),
    )
    session.add(token)
    return token, secret


def hash_of(secret: str) -> str:
    """What is kept of a token. It is random and long, so that no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
