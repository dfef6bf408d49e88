"""What every page has: the side bar, the badges, the words and the times."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from flask import current_app, g, request, send_from_directory, url_for
from flask.sansio.scaffold import Scaffold
from flask_bootstrap import is_hidden_field_filter
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from portal import folders, queries, summaries
from portal.flow import registry
from portal.language import gettext, ngettext, pgettext
from portal.models import User, db, utcnow

from . import messages, navigation
from .accounts.person import is_signed_in, person
from .display import words
from .display.icons import icon
from .display.moments import age, clock_tag, time_tag
from .mount import mount
from .urls import carry, here, way_back

STATIC = folders.STATIC / "portal"
BOOTSTRAP = str(files("flask_bootstrap").joinpath("static/bootstrap5"))


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
    user: User = person()
    return user


def preferences() -> dict[str, Any]:
    return dict(person().preferences or {}) if is_signed_in() else {}


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
    if not is_signed_in():
        return {}
    if "badges" not in g:
        g.badges = queries.badges(db.session(), me())
    return {name: "99+" if count > 99 else str(count) for name, count in g.badges.items() if count}


def _time(moment: dt.datetime | None, plain: bool = False) -> Markup:
    return time_tag(moment, now(), preferences(), plain=plain)


def _context() -> dict[str, Any]:
    chosen = preferences()
    return {
        "me": me(),
        "own_accounts": mount().own_accounts,
        "badges": badges,
        "theme": chosen.get("theme", "system"),
        "single_keys": chosen.get("keys", True),
        "now": now(),
        "here": here,
        "carry": carry,
        "way_back": way_back,
        "draft_owner": me().id if is_signed_in() else "",
    }


def helpers() -> dict[str, Any]:
    """What every page can call."""
    return dict(
        csrf_token=generate_csrf,
        bootstrap_is_hidden_field=is_hidden_field_filter,
        messages=messages.take,
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
        is_late=lambda task: words.is_late(task, now()),
    )


def attach(scope: Scaffold) -> None:
    scope.context_processor(_context)
    scope.before_request(_forget)
    scope.after_request(_keep_assets)


def bootstrap(filename: str) -> BaseResponse:
    """Bootstrap's files, from this server."""
    return send_from_directory(BOOTSTRAP, filename)


def _keep_assets(response: BaseResponse) -> BaseResponse:
    if request.endpoint == "portal.static" and "v" in request.args:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    elif request.endpoint == "portal.static":
        # Modules import each other without a version: they are asked for again, and are rarely sent again.
        response.headers["Cache-Control"] = "no-cache"
    elif request.endpoint == "portal.bootstrap":
        response.headers["Cache-Control"] = "public, max-age=86400"
    return response


def _forget() -> None:
    """Begin afresh: where a context is open around several requests, as in tests, `g` outlives each."""
    for name in ("now", "badges", "subject", "portal_person", "user_session"):
        g.pop(name, None)
    if mount().whole:  # elsewhere the application may have found these out for this request
        for name in ("_login_user", "csrf_token", "csrf_valid"):
            g.pop(name, None)
