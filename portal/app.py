"""The one place where everything is wired."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from sqlalchemy import QueuePool, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import api, cli, folders, logs, web, work
from portal.config import Config
from portal.discovery import discover
from portal.engine.queue import schedules
from portal.flow.registry import Flows, registry
from portal.models import Passwords, column_fault, db, demand_objects, is_of_flows, prepare_engine
from portal.models.autogenerate import complete
from portal.storage import Storage

#: seconds until a server that does not answer, or a pool that is empty, is told as an error
CONNECT_TIMEOUT = 10


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
    app.extensions["portal"] = settings
    flows = app.extensions["portal_flows"] = discover(settings.flows)
    demand_objects()
    flows.max_depth, flows.job_timeout = settings.max_depth, settings.job_timeout
    flows.calendar = settings.calendar
    registry.bind(_current_flows)
    Passwords.cheap = app.testing
    _database(app, settings)
    app.extensions["portal_storage"] = Storage(settings.storage)

    schedules.check(flows.values())
    web.init_app(app, api.blueprints())
    cli.init_app(app)
    work.init_app(app, settings)
    if settings.trusted_proxies:  # who else could say from where a request comes?
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_prefix=hops)  # type: ignore[method-assign]
    if not app.testing and click.get_current_context(silent=True) is None:  # a command says so itself
        _tell_lacking_columns(app)
    return app


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


def _current_flows() -> Flows | None:
    try:  # to look first whether there is one would take twice the time, and this is asked often
        flows: Flows = current_app.extensions["portal_flows"]
    except RuntimeError:
        return None
    return flows


def _flask_settings(settings: Config) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        **_database_settings(settings.database_url, settings.database_pool),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.base_url.startswith("https:"),
        **settings.flask,
    }


def _database_settings(url: str, pool: int) -> dict[str, Any]:
    """A URL goes to the driver untouched, but for a database in memory: it is one for all threads."""
    try:
        made = make_url(url)
        made.get_dialect()
    except ArgumentError:  # whose words are the whole address, with a password perhaps
        raise ValueError(
            "PORTAL_DATABASE_URL is no address of a database, such as sqlite:///portal.sqlite"
        ) from None
    if made.get_backend_name() != "sqlite":
        options: dict[str, Any] = {
            "hide_parameters": True,  # what people wrote is nobody's business who reads the log
            "pool_pre_ping": True,
            "pool_size": pool,
            "max_overflow": pool,
            "pool_timeout": CONNECT_TIMEOUT,
        }
        if made.get_driver_name() in ("psycopg", "psycopg2") and "connect_timeout" not in made.query:
            options["connect_args"] = {"connect_timeout": CONNECT_TIMEOUT}
        return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": options}
    if made.database in (None, "", ":memory:"):
        shared = f"sqlite:///file:portal-{secrets.token_hex(8)}?mode=memory&cache=shared&uri=true"
        return {
            "SQLALCHEMY_DATABASE_URI": shared,
            "SQLALCHEMY_ENGINE_OPTIONS": {"poolclass": QueuePool, "hide_parameters": True},
        }
    return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True}}


def _database(app: Flask, settings: Config) -> None:
    try:
        db.init_app(app)
    except ModuleNotFoundError as error:
        extra = "pip install 'flask-flow-portal[postgres]'"
        raise ValueError(f"PORTAL_DATABASE_URL needs a driver: {error}; for PostgreSQL: {extra}") from error
    app.extensions["migrate"] = Revisions(app)
    with app.app_context():
        for engine in db.engines.values():
            prepare_engine(engine, settings.lock_timeout, settings.statement_timeout)
            if "mode=memory" in str(engine.url):  # it lives as long as a connection to it does
                app.extensions["portal_memory"] = engine.connect()


class Revisions:
    """Flask-Migrate's settings: the folder, and all else when somebody asks for it, as `portal db` does.

    Alembic is a tenth of what a process that serves pages would hold.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self.directory = str(Path(app.instance_path).parent / "migrations")

    def __getattr__(self, name: str) -> Any:
        from flask_migrate import Migrate

        Migrate(  # its own settings take the place of these
            self._app,
            db,
            directory=self.directory,
            render_as_batch=True,
            include_object=is_of_flows,
            process_revision_directives=complete,
        )
        return getattr(self._app.extensions["migrate"], name)
