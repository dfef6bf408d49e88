"""The last step of every way to sign in."""

from __future__ import annotations

from werkzeug.wrappers import Response as BaseResponse

from portal.models import User

from ..urls import see_other
from . import sessions, throttle


def enter(user: User, onward: str) -> BaseResponse:
    """Sign in somebody who has said who they are, and lead them on."""
    user_id = user.id
    sessions.begin(user)
    response = see_other(onward)
    throttle.remember(response, user_id)
    return response
