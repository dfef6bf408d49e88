"""The last step of every way to sign in, where a second factor may be asked for."""

from __future__ import annotations

import datetime as dt
import time

from flask import session, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import second_factors
from portal.models import User, db

from ..languages import follow
from ..urls import safe_path, see_other
from . import sessions, throttle

#: where in the cookie it is whose password was right; the cookie is signed, and opens nothing by itself
_HALFWAY = "portal_halfway"
#: seconds that somebody has for the second step
LASTS = 600


def enter(user: User, onward: str, way: str = "") -> BaseResponse:
    """Sign in somebody whose password was right, or ask them for the second factor first.

    Args:
        way: how the password was looked at, if it is not kept here.
    """
    if second_factors.of(db.session(), user.id) is not None:
        next_step = "portal.second_step.code"
    elif second_factors.is_demanded(user):
        next_step = "portal.second_step.set_up"
    else:
        return let_in(user, onward, way)
    session[_HALFWAY] = [user.id, user.session_key[:16], int(time.time()), onward]
    return see_other(url_for(next_step))


def let_in(user: User, onward: str, way: str = "") -> BaseResponse:
    """Sign in somebody of whom nothing more is asked, and lead them on."""
    response = see_other(onward)
    begin(user, response, way=way)
    return response


def begin(user: User, response: BaseResponse, ends: dt.datetime | None = None, way: str = "") -> None:
    """Begin the session of a person; the browser is known from now on.

    Args:
        ends: when it ends in any case, earlier than others.
        way: how they have signed in, if not with a password that is kept here.
    """
    user_id = user.id
    session.pop(_HALFWAY, None)
    sessions.begin(user, ends=ends, way=way)
    throttle.remember(response, user_id)


def halfway() -> tuple[User, str] | None:
    """Whose password was right in this browser, and where they want to go. None where it is too long ago."""
    try:
        user_id, key, at, onward = session[_HALFWAY]
    except (KeyError, ValueError, TypeError):
        return None
    user = db.session.get(User, user_id)
    if user is None or not user.is_active or user.session_key[:16] != key or time.time() - at > LASTS:
        return None
    follow(user.language)
    return user, safe_path(onward)
