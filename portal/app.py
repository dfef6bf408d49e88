"""An application of the portal's own: Flask, the portal as an extension of it, and people who sign in here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from portal import cli, databases, extension, folders, logs
from portal.config import Config
from portal.models import Passwords, column_fault, db
from portal.web.accounts import trusted_header
from portal.web.mount import Mount, believe_proxies


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the portal's Flask application.

    Args:
        config: overrides the environment, with its names less `PORTAL_` and Flask's own:
            `{"DATABASE_URL": "sqlite:///…", "FLOWS": ["my.flows"], "SCHEDULER": "off", "TESTING": True}`.

    Raises:
        FlowError: a flow is declared wrongly, or two have one label.
    """
    site = folders.site()
    app = Flask(
        "portal.web",
        instance_path=str(site / "instance"),
        static_folder=site / "static",
        template_folder=str(site / "templates"),
    )
    settings = Config.read(config, Path(app.instance_path))
    logs.configure(settings.log)
    app.config.from_mapping(_flask_settings(settings))
    Passwords.cheap = app.testing
    databases.own(app, settings)
    databases.revisions(app)
    extension.install(app, settings, _mount(settings))
    cli.init_app(app)
    believe_proxies(app, settings.trusted_proxies)
    if not app.testing and click.get_current_context(silent=True) is None:  # a command says so itself
        _tell_lacking_columns(app)
    return app


def _mount(settings: Config) -> Mount:
    """The portal as the whole application, whose people sign in here, or to the proxy before it."""
    if settings.trusted_header is None:
        return Mount()
    return Mount(identity=trusted_header.identity, login_url=settings.flask.get("LOGIN_URL"))


def _tell_lacking_columns(app: Flask) -> None:
    """Say in the log of a server that starts what `/readyz` says afterwards. A database that is away is told later."""
    with app.app_context():
        file = db.engine.url.database if db.engine.dialect.name == "sqlite" else None
        if file is not None and not Path(file).exists():
            return  # a look would make it
        try:
            with db.engine.connect() as connection:
                fault = column_fault(connection)
        except SQLAlchemyError:
            return
        finally:
            db.engine.dispose()  # a server that forks from here must not share a connection
    if fault is not None:
        app.logger.error("the schema of the database is not that of the flows: %s", fault)


def _flask_settings(settings: Config) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        **databases.database_settings(settings.database_url, settings.database_pool),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.base_url.startswith("https:"),
        **settings.flask,
    }
