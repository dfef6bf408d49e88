"""Tells transient errors of the database from faults, and retries the actions that they have interrupted.

SQLSTATEs are those of PostgreSQL's manual, appendix A; SQLite's result codes those of sqlite.org/rescode.html.
"""

from __future__ import annotations

import functools
import logging
import random
import sqlite3
import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.exc import (
    DBAPIError,
    InvalidRequestError,
    OperationalError,
    PendingRollbackError,
    TimeoutError,
)
from sqlalchemy.orm import Session

from portal.errors import Busy, Slow, TransientError, Uncertain, Unusable
from portal.language import lazy_gettext

P = ParamSpec("P")
T = TypeVar("T")

#: SQLAlchemy's code for a statement after the one that lost the connection
CANNOT_RECONNECT = "8s2b"
#: how often an action is begun before its disturbance is told
TRIES = 3
#: seconds before the second try; four times as long before each further one
WAIT = 0.1
#: seconds after which somebody else's lock has been waited for long enough: a second wait would be as long again
WAITED = 1.0

STATES: dict[str, type[TransientError]] = {
    "40001": TransientError,  # serialization_failure
    "40P01": TransientError,  # deadlock_detected
    "55P03": Busy,  # lock_not_available
    "57014": Slow,  # query_canceled, by statement_timeout
}
#: what lasts until somebody mends it, by the first letters of the SQLSTATE: in words, for people
UNUSABLE_STATES = {
    "25006": lazy_gettext("it takes no changes"),  # read_only_sql_transaction
    "53100": lazy_gettext("its disk is full"),
    "58": lazy_gettext("its disk fails"),  # system errors
    "XX001": lazy_gettext("its file is damaged"),
    "XX002": lazy_gettext("its file is damaged"),
}
UNUSABLE_RESULTS = {
    sqlite3.SQLITE_FULL: lazy_gettext("its disk is full"),
    sqlite3.SQLITE_READONLY: lazy_gettext("it takes no changes"),
    sqlite3.SQLITE_IOERR: lazy_gettext("its disk fails"),
    sqlite3.SQLITE_CORRUPT: lazy_gettext("its file is damaged"),
    sqlite3.SQLITE_NOTADB: lazy_gettext("its file is damaged"),
    sqlite3.SQLITE_CANTOPEN: lazy_gettext("its file is not there, or cannot be opened"),
    sqlite3.SQLITE_PERM: lazy_gettext("its file cannot be opened"),
}
RESULTS = {sqlite3.SQLITE_BUSY: Busy, sqlite3.SQLITE_LOCKED: Busy}
_UNUSABLE = lazy_gettext(
    "The database cannot be used, {}; nothing was changed. An administrator has to look after it."
)
_LOST = lazy_gettext("The connection to the database was lost, and nothing was changed: try again.")
_PARTLY = lazy_gettext(
    "The connection to the database was lost behind something that was saved: look before you do it again."
)
_FULL = lazy_gettext(
    "The portal has more to do than it has connections to the database; nothing was changed: try again."
)


def disturbance(error: BaseException) -> TransientError | None:
    """What to raise instead of an error of the database that is not the action's fault. None if it is."""
    if isinstance(error, TransientError):
        return error
    if isinstance(error, TimeoutError):
        return TransientError(str(_FULL))
    if isinstance(error, PendingRollbackError):
        return TransientError(str(_LOST)) if error.code == CANNOT_RECONNECT else None
    if not isinstance(error, DBAPIError):
        return None
    original: Any = error.orig
    state, result = getattr(original, "sqlstate", None) or "", getattr(original, "sqlite_errorcode", 0) & 0xFF
    kind = STATES.get(state) or RESULTS.get(result)
    if kind is not None:
        return kind()
    why = UNUSABLE_RESULTS.get(result) or next(
        (words for begin, words in UNUSABLE_STATES.items() if state.startswith(begin)), None
    )
    if why is not None:
        return Unusable(_UNUSABLE.format(why))
    never_connected = isinstance(error, OperationalError) and error.statement is None
    return TransientError(str(_LOST)) if error.connection_invalidated or never_connected else None


def is_passing(error: BaseException) -> bool:
    """Whether the whole action should be done again, whoever's code the error came from."""
    found = disturbance(error)
    return found is not None and (found.again or isinstance(found, Unusable))


def give_up(session: Session) -> None:
    """Roll back; a connection that cannot even do that is dropped, and the server rolls back."""
    try:
        session.rollback()
    except (DBAPIError, InvalidRequestError):
        session.invalidate()


def reason(error: BaseException) -> str:
    """What was at the bottom of it, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    words = str(error).strip().splitlines()
    return words[0] if words else type(error).__name__


def report(log: logging.Logger, error: BaseException, words: str, *args: object) -> None:
    """Log what has failed in a worker: a line where the database was in the way, the traceback otherwise."""
    if disturbance(error) is None:
        log.error(words, *args, exc_info=error)
    else:
        log.warning(f"{words}: %s", *args, reason(error))


def persist(session: Session, call: Callable[[], T]) -> T:
    """Retry a call when the database was unavailable, unless part of it is committed, or it is part of a larger one.

    Raises:
        TransientError: the database was unavailable at each try, also where it only reads; nothing was changed.
        Uncertain: it became unavailable after a part of the call was committed.
    """
    if session.info.get("run") is not None or session.info.get("persists"):
        return call()
    commits, began = session.info.get("commits", 0), time.monotonic()
    session.info["persists"] = True
    try:
        for attempt in range(TRIES):
            try:
                return call()
            except (TransientError, DBAPIError, PendingRollbackError, TimeoutError) as error:
                give_up(session)
                found = disturbance(error)
                if found is None:
                    raise
                if session.info.get("commits", 0) != commits:
                    raise Uncertain(str(_PARTLY)) from error
                waited = isinstance(found, Busy) and time.monotonic() - began > WAITED
                if not found.again or waited or attempt == TRIES - 1:
                    raise found from (error.__cause__ if found is error else error)
            time.sleep(WAIT * 4**attempt * random.uniform(0.5, 1))
    finally:
        session.info["persists"] = False
    raise AssertionError("the last try returns or raises")


def persistent(
    function: Callable[Concatenate[Session, P], T],
) -> Callable[Concatenate[Session, P], T]:
    """For a function that is one action of a session: see `persist`."""

    @functools.wraps(function)
    def call(session: Session, *args: P.args, **kwargs: P.kwargs) -> T:
        return persist(session, lambda: function(session, *args, **kwargs))

    return call  # type: ignore[return-value]
