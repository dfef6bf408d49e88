"""The pages: Flask blueprints, one a family of pages."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from portal import folders

from . import (
    bodies,
    compression,
    errors,
    files,
    flows,
    headers,
    layout,
    limits,
    lists,
    operations,
    process_levers,
    processes,
    retry,
    workload,
)
from .accounts import absences, calendar, profile, sign_in, tokens
from .drafts import kept, pages
from .forms import pages as form_pages
from .forms import templates as form_templates
from .talk import attachments, comments, notices
from .tasks import actions, bulk, detail, levers, next_task, start, undoing

BLUEPRINTS = (
    operations.blueprint,
    sign_in.blueprint,
    profile.blueprint,
    tokens.blueprint,
    absences.blueprint,
    calendar.blueprint,
    calendar.feeds,
    lists.blueprint,
    bulk.blueprint,
    detail.blueprint,
    actions.blueprint,
    levers.blueprint,
    undoing.blueprint,
    next_task.blueprint,
    flows.blueprint,
    start.blueprint,
    pages.blueprint,
    processes.blueprint,
    process_levers.blueprint,
    workload.blueprint,
    files.blueprint,
    comments.blueprint,
    attachments.blueprint,
    notices.blueprint,
)


def init_app(app: Flask, more: Sequence[Blueprint] = ()) -> None:
    """Give an application its pages.

    Args:
        more: what programs call, below the same prefix.
    """
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    app.config["SESSION_COOKIE_HTTPONLY"] = True
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    # A form left open over the week-end is still a form: the token lives as long as the session.
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    compression.attach(app)  # ahead of all that answers: it comes last
    operations.init_app(app)  # first: whoever refuses a request behind it is timed and logged too
    layout.init_app(app)  # before anything asks who it is
    limits.init_app(app)  # before anything reads a form
    bodies.init_app(app)
    Bootstrap5(app)
    protection = CSRFProtect(app)
    app.register_blueprint(_pages(more))
    for name, each in app.blueprints.items():
        if name.startswith("portal.api"):  # it asks for a token of its own
            protection.exempt(each)
    retry.init_app(app)
    sign_in.init_app(app)
    kept.init_app(app)
    start.init_app(app)
    process_levers.init_app(app)
    next_task.init_app(app)
    comments.init_app(app)
    attachments.init_app(app)
    notices.init_app(app)
    errors.init_app(app)
    headers.init_app(app)
    form_templates.init_app(app)
    form_pages.check(app, app.extensions["portal_flows"].values())


def _pages(more: Sequence[Blueprint]) -> Blueprint:
    """All pages, with their templates and static files. Every endpoint's name begins with `portal.`."""
    pages = Blueprint(
        "portal",
        __name__,
        template_folder=str(folders.TEMPLATES),
        static_folder=str(folders.STATIC / "portal"),
        static_url_path="/static/portal",
    )
    for blueprint in (*BLUEPRINTS, *more):
        pages.register_blueprint(blueprint)
    pages.add_url_rule("/", "home", lists.home)
    pages.add_url_rule("/static/bootstrap/<path:filename>", "bootstrap", layout.bootstrap)
    pages.add_url_rule("/static/portal/~<version>/<path:filename>", "asset", layout.send_asset)
    return pages
