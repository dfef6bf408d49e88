"""What every page has: the side bar, the badges, the words and the times."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache
from typing import Any

from flask import Flask, current_app, g, request, session, url_for
from flask_login import current_user
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from portal import folders, queries, summaries
from portal.flow import registry
from portal.language import gettext, ngettext, pgettext
from portal.models import User, db, utcnow

from . import navigation
from .display import words
from .display.due import due_tag
from .display.icons import icon
from .display.moments import age, clock_tag, time_tag
from .urls import address_maker, carry, here, way_back

#: how many messages wait at most for the next page; a bulk action has some twenty
MESSAGES = 25
STATIC = folders.STATIC / "portal"


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """The address of one of our files; it changes with the file, so a browser may keep it for ever."""
    version = _fingerprint(name) if not current_app.debug else "dev"
    return url_for("portal.static", filename=name, v=version)


def now() -> dt.datetime:
    """The moment of this request: all of a page tells the same time."""
    if "now" not in g:
        g.now = utcnow()
    moment: dt.datetime = g.now
    return moment


def me() -> User:
    """The person who is signed in, as a model."""
    user: User = current_user._get_current_object()
    return user


def preferences() -> dict[str, Any]:
    return dict(current_user.preferences or {}) if current_user.is_authenticated else {}


def goes_on() -> bool:
    """Whether the box of a decision's form is ticked: as it was sent, else as the person left it last."""
    if request.method == "POST":
        return "_continue" in request.form
    return preferences().get("after") == "next"


def may_start(user: User) -> list[Any]:
    """The form starts that are open to this person, in the order of the flows' titles."""
    found = []
    for flow_class in sorted(registry.values(), key=lambda flow: flow.definition.title.lower()):
        starts: list[Any] = flow_class.definition.starts
        found += [node for node in starts if node.human and node.available(user)]
    return found


def badges() -> dict[str, str]:
    """How much waits in the inbox and in the queue, as the side bar writes it."""
    if not current_user.is_authenticated:
        return {}
    if "badges" not in g:
        g.badges = queries.badges(db.session(), me())
    return {name: "99+" if count > 99 else str(count) for name, count in g.badges.items() if count}


def _time(moment: dt.datetime | None, plain: bool = False) -> Markup:
    return time_tag(moment, now(), preferences(), plain=plain)


def _context() -> dict[str, Any]:
    chosen = preferences()
    return {
        "me": current_user,
        "badges": badges,
        "theme": chosen.get("theme", "system"),
        "single_keys": chosen.get("keys", True),
        "now": now(),
        "here": here,
        "carry": carry,
        "way_back": way_back,
        "draft_owner": current_user.id if current_user.is_authenticated else "",
    }


def init_app(app: Flask) -> None:
    environment = app.jinja_env
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals.update(
        icon=icon,
        goes_on=goes_on,
        navigation=lambda: navigation.entries(me()),
        asset=asset,
        flows=registry,
        action_words=words.action_words,
        LOST=words.LOST,
        PROCESS_ACTIONS=words.PROCESS_ACTIONS,
        PROCESS_STATES=words.PROCESS_STATES,
        summary=summaries.of_task,
        process_summary=summaries.of_process,
        process_state=words.process_state,
        ATTENTION=words.ATTENTION,
        why=words.why,
        task_state=words.task_state,
        tries=words.tries,
        is_form=words.is_form,
        deed=words.deed,
        deed_to_it=words.deed_to_it,
        event_state=words.event_state,
        by_person=words.by_person,
        step_title=words.step_title,
        _=gettext,
        ngettext=ngettext,
        pgettext=pgettext,
        ago=_time,
        moment=lambda value: _time(value, plain=True),
        age=lambda value: time_tag(value, now(), preferences(), text=age((now() - value).total_seconds())),
        clock=lambda value: clock_tag(value, now(), preferences()),
        due_tag=lambda task: due_tag(task.due, now(), preferences(), over=task.finished is not None),
        address_maker=address_maker,
        is_late=lambda task: words.is_late(task, now()),
    )
    app.context_processor(_context)
    app.before_request(_forget)
    app.after_request(_keep_few_messages)

    @app.after_request
    def _keep_assets(response: BaseResponse) -> BaseResponse:
        if request.endpoint == "portal.static" and "v" in request.args:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        elif request.endpoint == "portal.static":
            # Modules import each other without a version: they are asked for again, and are rarely sent again.
            response.headers["Cache-Control"] = "no-cache"
        elif request.endpoint == "bootstrap.static":
            response.headers["Cache-Control"] = "public, max-age=86400"
        return response


def _keep_few_messages(response: BaseResponse) -> BaseResponse:
    """They travel in the cookie, and whoever sends forms without ever looking at a page would fill it."""
    if session.modified and len(messages := session.get("_flashes", ())) > MESSAGES:
        session["_flashes"] = messages[-MESSAGES:]
    return response


def _forget() -> None:
    """Begin afresh: where a context is open around several requests, as in tests, `g` outlives each."""
    for name in ("now", "badges", "subject", "_login_user", "csrf_token", "csrf_valid", "user_session"):
        g.pop(name, None)
