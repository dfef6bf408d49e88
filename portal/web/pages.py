"""Puts the pages into an application: Flask blueprints, one a family of pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Flask
from flask.sansio.scaffold import Scaffold
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader
from werkzeug.routing import BaseConverter

from portal import folders

from . import (
    admin,
    bodies,
    compression,
    debugging,
    downloads,
    errors,
    flows,
    forgery,
    headers,
    languages,
    layout,
    limits,
    lists,
    many_processes,
    messages,
    migrating,
    news,
    operations,
    pending,
    process_data,
    process_levers,
    processes,
    reports,
    requests,
    retry,
    saved_views,
    sending,
    workload,
)
from .accounts import (
    absences,
    back_channel,
    calendar,
    passwords,
    profile,
    second_step,
    sessions,
    sign_in,
    single_sign_on,
    tokens,
    two_factors,
)
from .admin import incidents, jobs
from .admin import operations as operations_of_people
from .drafts import kept, pages, parked
from .forms import pages as form_pages
from .forms import templates as form_templates
from .mount import Mount
from .session_cookie import SignedCookie
from .talk import attachments, comments, notices
from .tasks import actions, alike, bulk, detail, help, levers, next_task, start, undoing

BLUEPRINTS = (
    operations.blueprint,
    profile.blueprint,
    tokens.blueprint,
    absences.blueprint,
    calendar.blueprint,
    calendar.feeds,
    lists.blueprint,
    saved_views.blueprint,
    news.blueprint,
    bulk.blueprint,
    alike.blueprint,
    detail.blueprint,
    actions.blueprint,
    levers.blueprint,
    help.blueprint,
    undoing.blueprint,
    next_task.blueprint,
    flows.blueprint,
    requests.blueprint,
    start.blueprint,
    pages.blueprint,
    processes.blueprint,
    process_levers.blueprint,
    process_data.blueprint,
    many_processes.blueprint,
    sending.blueprint,
    migrating.blueprint,
    workload.blueprint,
    incidents.blueprint,
    operations_of_people.blueprint,
    jobs.blueprint,
    reports.blueprint,
    downloads.blueprint,
    comments.blueprint,
    attachments.blueprint,
    notices.blueprint,
    admin.blueprint,
)

#: the pages of people who sign in to the portal itself
OWN_ACCOUNTS: tuple[Blueprint, ...] = (
    sign_in.blueprint,
    second_step.blueprint,
    two_factors.blueprint,
    passwords.blueprint,
)

#: what every page can call, beside what Flask gives it
HELPERS: dict[str, Any] = {
    name: helper
    for module in (
        languages, layout, limits, kept, start, help, process_levers, next_task, comments, attachments, notices,
        form_templates, debugging,
    )
    for name, helper in module.helpers().items()
}  # fmt: skip


class Rest(BaseConverter):
    """What is left of a path, whatever is in it."""

    regex = r"(?s:.*)"
    weight = 1000
    part_isolating = False


def init_app(app: Flask, mount: Mount, more: Sequence[Blueprint] = ()) -> None:
    """Give an application its pages.

    What is done before, after and instead of a page is done everywhere in an application of the portal's own, elsewhere
    for these pages alone, which are one blueprint.

    Args:
        more: what programs call, below the same prefix.
    """
    app.extensions["portal_mount"] = mount
    settings = app.extensions["portal"]
    own = (*more, *((debugging.blueprint,) if app.debug else ()))
    pages = _pages(mount, own, settings.open_id is not None)
    if mount.whole:
        _own(app)
    else:
        pages.context_processor(HELPERS.copy)
        app.url_map.converters["portal_rest"] = Rest
    _attach(app if mount.whole else pages, app, mount)
    app.register_blueprint(pages)
    forgery.spare(app)
    operations.init_app(app)
    retry.init_app(app)
    if mount.own_accounts:
        sign_in.init_app(app)
    if mount.own_accounts and settings.open_id is not None:
        single_sign_on.init_app(app, settings.open_id)
    parked.init_app(app)
    form_pages.check(app, app.extensions["portal_flows"].values())


def _own(app: Flask) -> None:
    """What an application of ours has everywhere."""
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    app.config["SESSION_COOKIE_HTTPONLY"] = True
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.session_interface = SignedCookie()
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)  # the token lives as long as the session
    if app.config.get("MAX_CONTENT_LENGTH") is None:
        app.config["MAX_CONTENT_LENGTH"] = limits.MAX_CONTENT_LENGTH
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    Bootstrap5(app)
    app.jinja_env.globals.update(HELPERS)


def _attach(scope: Scaffold, app: Flask, mount: Mount) -> None:
    compression.attach(scope)  # ahead of all that answers: it comes last
    operations.attach(scope)  # first: whoever refuses a request behind it is timed and logged too
    if not mount.whole:
        pending.attach(scope)  # before anything reads
    languages.attach(scope)
    layout.attach(scope)  # before anything asks who it is
    messages.attach(scope)
    limits.attach(scope)  # before anything reads a form
    bodies.attach(scope)
    if mount.whole:
        CSRFProtect(app)
    else:
        forgery.attach(scope)
    if mount.own_accounts:
        sessions.attach(scope)
    kept.attach(scope)
    parked.attach(scope, mount)
    debugging.attach(scope, app)  # behind what gives a request its trace
    errors.attach(scope)
    headers.attach(scope)


def _pages(mount: Mount, more: Sequence[Blueprint], open_id: bool) -> Blueprint:
    """All pages, with their templates and static files. Every endpoint's name begins with `portal.`."""
    pages = Blueprint(
        "portal",
        __package__,
        url_prefix=mount.prefix or None,
        template_folder=str(folders.TEMPLATES),
        static_folder=str(folders.STATIC / "portal"),
        static_url_path="/static/portal",
    )
    ours = FileSystemLoader(folders.TEMPLATES)
    # a page of an author's that takes the place of ours can extend it by its other name
    pages.jinja_loader = ChoiceLoader([ours, PrefixLoader({"ours": ours})])
    own = OWN_ACCOUNTS if mount.own_accounts else ()
    if mount.own_accounts and open_id:
        own = (*own, single_sign_on.blueprint, back_channel.blueprint)
    for blueprint in (*BLUEPRINTS, *more, *own):
        pages.register_blueprint(blueprint)
    pages.add_url_rule("/", "home", lists.home)
    pages.add_url_rule("/static/bootstrap/<path:filename>", "bootstrap", layout.bootstrap)
    pages.add_url_rule("/static/portal/~<version>/<path:filename>", "asset", layout.send_asset)
    if mount.prefix and not mount.whole:
        methods: Any = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        pages.add_url_rule("/<portal_rest:unknown>", "not_there", errors.not_there, methods=methods)
    return pages
