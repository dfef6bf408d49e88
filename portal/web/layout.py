"""What every page has: the side bar, the badges, the words and the times."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import flask_bootstrap
from flask import Response, current_app, g, request, send_from_directory, url_for
from flask.sansio.scaffold import Scaffold
from flask_bootstrap import is_hidden_field_filter
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from portal import folders, queries, summaries
from portal.flow import registry
from portal.language import gettext, ngettext, pgettext
from portal.models import User, db, utcnow
from portal.working_time import WorkingTime

from . import messages, navigation
from .accounts.person import is_signed_in, person
from .display import actions, deeds, states, steps
from .display.due import deadline_tag, due_tag
from .display.icons import SHEET, icon, icon_drawings, initials, sheet, sheet_version
from .display.moments import ZONE_OF_BROWSER, age, clock_tag, date, day, is_zone_chosen, time_tag, zone
from .mount import mount
from .urls import address_maker, carry, here, way_back

#: what `g` holds for one request; the second ones an application around us may have found out for itself
_OF_REQUEST = (
    "now", "badges", "unread", "preferences", "told", "subject", "portal_person", "user_session", "icons",
    "icon_sheet", "talk", "portal_locale", "spoken", "draft", "draft_words", "draft_restored", "typed_cookie",
)  # fmt: skip
_OF_WHOLE = ("_login_user", "csrf_token", "csrf_valid")
STATIC = folders.STATIC / "portal"
BOOTSTRAP = Path(flask_bootstrap.__file__).parent / "static" / "bootstrap5"
_BOOTSTRAP_CSS = "css/bootstrap.min.css"


def asset(name: str) -> str:
    """The address of one of our files. It changes when one of them does, so a browser may keep it for ever; what the
    file imports or names lies beside it."""
    return url_for("portal.asset", version=_version(STATIC), filename=name)


def bootstrap_css() -> str:
    """The address of Bootstrap's styles, which changes with them."""
    return url_for("portal.bootstrap", filename=_BOOTSTRAP_CSS, v=_version(BOOTSTRAP / _BOOTSTRAP_CSS))


def bootstrap(filename: str) -> BaseResponse:
    """Bootstrap's files, from this server."""
    return send_from_directory(BOOTSTRAP, filename)


def send_asset(version: str, filename: str) -> BaseResponse:
    """One of our files, whatever version is asked for: a page of before an update may ask for one that is gone."""
    if filename == SHEET:
        answer = Response(sheet(), content_type="image/svg+xml")
        answer.set_etag(sheet_version())
        return answer
    return send_from_directory(STATIC, filename)


def _version(path: Path) -> str:
    return "dev" if current_app.debug else _fingerprint(path)


@cache
def _fingerprint(path: Path) -> str:
    """What tells one state of a file, or of the files in a folder, from another."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    found = hashlib.sha256()
    for file in files:
        found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:10]


def now() -> dt.datetime:
    """The moment of this request: all of a page tells the same time."""
    try:
        moment: dt.datetime = g.now
    except AttributeError:
        moment = g.now = utcnow()
    return moment


def me() -> User:
    """The person who is signed in, as a model."""
    user: User = person()
    return user


def preferences() -> Mapping[str, Any]:
    """What this person has chosen, as it was when the request came: it is asked for with each moment on a page.

    Whoever has chosen no time zone reads and types in that of the browser, which our script tells in a cookie.
    """
    if "preferences" not in g:
        user = person()
        chosen = dict(user.preferences or {}) if user.is_authenticated else {}
        if not chosen.get("timezone") and (zone := request.cookies.get("timezone")):
            chosen |= {"timezone": zone, ZONE_OF_BROWSER: True}
        g.preferences = chosen
    found: Mapping[str, Any] = g.preferences
    return found


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


def read_beside(process_id: int, place: str) -> None:
    """Read with the badges what is known of the talk about the process that a page shows.

    Args:
        place: where the draft of a comment is kept.
    """
    g.badges, g.talk = queries.badges_and_talk(db.session(), me(), process_id, place)


def unread() -> str:
    """How many notices this person has not read, as the top bar writes it; it was read with them."""
    if "unread" not in g:
        g.unread = queries.unread(db.session(), me())
    return "99+" if g.unread > 99 else str(g.unread or "")


def _context() -> dict[str, Any]:
    chosen = preferences()
    return {
        "me": me(),
        "section": "",  # a page says in which part it is; one of an author's may not
        "own_accounts": mount().own_accounts,
        "badges": badges,
        "unread": unread,
        "zone_of_browser": not is_zone_chosen(chosen),
        "theme": chosen.get("theme", "system"),
        "single_keys": chosen.get("keys", True),
        "here": here,
        "carry": carry,
        "way_back": way_back,
        "draft_owner": me().id if is_signed_in() else "",
        **_times(now(), chosen),
    }


def _times(now: dt.datetime, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """How a page tells moments, at the moment of its request and for its reader: a list has hundreds of them."""
    there = zone(chosen.get("timezone"))
    return {
        "now": now,
        "ago": lambda value: time_tag(value, now, chosen),
        "moment": lambda value: time_tag(value, now, chosen, plain=True),
        "age": lambda value: time_tag(value, now, chosen, text=age((now - value).total_seconds())),
        "day_of": lambda value: time_tag(value, now, chosen, text=day(value, now, there)),
        "clock": lambda value: clock_tag(value, now, chosen),
        "due_tag": lambda task: due_tag(task.due, now, chosen, over=task.finished is not None),
        "deadline": lambda task: _deadline(task.due, now, chosen, task.node and task.node.due),
        "timer_of": lambda task: _deadline(
            task.scheduled,
            now,
            chosen,
            task.node and (task.node.delay or task.node.until),
        ),
        "is_late": lambda task: steps.is_late(task, now),
    }


def helpers() -> dict[str, Any]:
    """What every page can call."""
    return {
        "csrf_token": generate_csrf,
        "bootstrap_is_hidden_field": is_hidden_field_filter,
        "messages": messages.take,
        "icon": icon,
        "initials": initials,
        "icon_drawings": icon_drawings,
        "bootstrap_css": bootstrap_css,
        "goes_on": goes_on,
        "navigation": lambda: navigation.entries(me()),
        "asset": asset,
        "flows": registry,
        "action_words": actions.action_words,
        "LOST": steps.LOST,
        "PROCESS_ACTIONS": actions.PROCESS_ACTIONS,
        "PROCESS_STATES": states.PROCESS_STATES,
        "summary": summaries.of_task,
        "process_summary": summaries.of_process,
        "process_subject": summaries.subject,
        "process_state": states.process_state,
        "ATTENTION": states.ATTENTION,
        "why": steps.why,
        "task_state": states.task_state,
        "tries": steps.tries,
        "is_form": steps.is_form,
        "deed": deeds.deed,
        "deed_to_it": deeds.deed_to_it,
        "rule_words": deeds.rule_words,
        "unassigned_words": deeds.unassigned_words,
        "event_state": states.event_state,
        "by_person": deeds.by_person,
        "step_title": steps.step_title,
        "_": gettext,
        "ngettext": ngettext,
        "pgettext": pgettext,
        "for_whom": lambda task: queries.whom_for(me(), task),
        "my_ids": lambda process: queries.owners(me(), process.flow_label),
        "date_words": date,
        "age_words": lambda span: (
            age(span.total_seconds()) if span.total_seconds() >= 60 else gettext("less than 1 min")
        ),
        "address_maker": address_maker,
    }


def _deadline(moment: dt.datetime, now: dt.datetime, chosen: Mapping[str, Any], span: Any) -> Markup:
    """When it is; a span that the flow counts in working time is told so."""
    calendar = registry.current.calendar if isinstance(span, WorkingTime) else None
    return deadline_tag(moment, now, chosen, calendar)


def attach(scope: Scaffold) -> None:
    scope.context_processor(_context)
    scope.before_request(_forget)
    scope.after_request(_keep_assets)


def _keep_assets(response: BaseResponse) -> BaseResponse:
    """Say for how long a browser may keep a file without asking again."""
    arguments = request.view_args or {}
    if request.endpoint == "portal.asset":
        sheet_asked = arguments["filename"] == SHEET
        forever = arguments["version"] == (sheet_version() if sheet_asked else _version(STATIC)) != "dev"
    elif request.endpoint == "portal.bootstrap":
        forever = request.args.get("v") == _version(BOOTSTRAP / _BOOTSTRAP_CSS) != "dev"
    elif request.endpoint == "portal.static":
        forever = False
    else:
        return response
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if forever else "no-cache"
    return response


def _forget() -> None:
    """Begin afresh: where a context is open around several requests, as in tests, `g` outlives each."""
    held = vars(g)
    for name in (*_OF_REQUEST, *_OF_WHOLE) if mount().whole else _OF_REQUEST:
        held.pop(name, None)
