"""What the portal's next page says first, kept apart from Flask's messages, which the application around shows too."""

from __future__ import annotations

import json
from typing import Any

from flask import g, get_flashed_messages, session
from flask.sansio.scaffold import Scaffold
from werkzeug.wrappers import Response as BaseResponse

from portal.language import LazyText

#: how many messages of before wait at most for the next page
MOST = 3
_OURS, _FLASKS = "_portal_messages", "_flashes"


def flash(message: Any, category: str = "message") -> None:
    """Say something on the next page.

    Args:
        message: words, or a mapping with `text` and a link (`to`, `name`) or a button (`undo`, `word`).
        category: success, info or warning.
    """
    g.told = g.get("told", 0) + 1
    said = {key: _now(part) for key, part in message.items()} if isinstance(message, dict) else _now(message)
    waiting = [*_read(session.get(_OURS)), (category, said)][-max(MOST, g.told) :]
    # one text: the session looks at each part of what it holds, with each request until a page shows this
    session[_OURS] = json.dumps(waiting, ensure_ascii=False, separators=(",", ":"))


def _read(kept: Any) -> list[Any]:
    """What the session has of messages; a cookie of before has them in a list."""
    found = json.loads(kept) if isinstance(kept, str) else kept or ()
    return [(category, said) for category, said in found]


def _now(words: Any) -> Any:
    """A declared text in the language of this request."""
    return str(words) if isinstance(words, LazyText) else words


def take() -> list[Any]:
    """What is to be said on this page, as pairs of category and message; Flask's own messages among it."""
    return [*_read(session.pop(_OURS, None)), *get_flashed_messages(with_categories=True)]


def attach(scope: Scaffold) -> None:
    scope.after_request(_keep_few)


def _keep_few(response: BaseResponse) -> BaseResponse:
    """They travel in the cookie: what this request has said is kept, and little of what nobody has looked at yet."""
    if session.modified and len(messages := session.get(_FLASKS, ())) > MOST:
        session[_FLASKS] = messages[-MOST:]
    return response
