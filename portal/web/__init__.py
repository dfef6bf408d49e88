"""The pages: Flask blueprints, one a family of pages."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from . import (
    accounts,
    bodies,
    bulk,
    draft_pages,
    drafts,
    errors,
    files,
    flows,
    frame,
    headers,
    limits,
    lists,
    operations,
    processes,
    sign_in,
    start,
    steady,
    task_actions,
    tasks,
)

BLUEPRINTS = (
    sign_in.blueprint,
    accounts.blueprint,
    lists.blueprint,
    bulk.blueprint,
    tasks.blueprint,
    task_actions.blueprint,
    flows.blueprint,
    start.blueprint,
    draft_pages.blueprint,
    processes.blueprint,
    files.blueprint,
)


def init_app(app: Flask) -> None:
    """Give an application its pages."""
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    app.config["SESSION_COOKIE_HTTPONLY"] = True
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    # A form left open over the week-end is still a form: the token lives as long as the session.
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    operations.init_app(app)  # first: whoever refuses a request behind it is timed and logged too
    limits.init_app(app)  # before anything reads a form
    bodies.init_app(app)
    Bootstrap5(app)
    CSRFProtect(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    steady.init_app(app)
    frame.init_app(app)
    sign_in.init_app(app)
    drafts.init_app(app)
    start.init_app(app)
    errors.init_app(app)
    headers.init_app(app)
