"""Checks the reason that somebody gives for an action; the history keeps it."""

from __future__ import annotations

from portal.errors import PortalError
from portal.jsonstore import check_text

#: characters
LONGEST = 2000


def checked(reason: str | None) -> str:
    """A reason as it is kept, without the space around it; empty where none is given.

    Raises:
        PortalError: it is no text, too long, or no database could keep it.
    """
    if reason is None:
        return ""
    if not isinstance(reason, str):
        raise PortalError(f"a reason is a text, not {type(reason).__name__}")
    try:
        found = check_text(reason).strip()
    except ValueError as error:
        raise PortalError(f"this cannot be the reason: {error}") from error
    if len(found) > LONGEST:
        raise PortalError(f"a reason has at most {LONGEST:,} characters; this one has {len(found):,}")
    return found
