"""The database of an application: its address, its engines, and the revisions of the site's own tables."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click
from flask import Flask, appcontext_pushed
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import QueuePool, make_url
from sqlalchemy.exc import ArgumentError

from portal.config import Config
from portal.errors import PortalError
from portal.models import (
    adopt,
    db,
    is_not_ours,
    is_of_flows,
    prepare_engine,
    prepare_guest_engine,
    registries,
)
from portal.models.autogenerate import complete
from portal.models.kept_plans import NEVER

#: seconds until a server that does not answer, or a pool that is empty, is told as an error
CONNECT_TIMEOUT = 10
#: compiled statements that SQLAlchemy keeps, and half as many more before it drops the oldest. One of a list takes up
#: to half a megabyte, and lists have as many as there are ways to narrow them down: its own 500 grow to 70 MB in each
#: process. All pages once are 150
STATEMENTS = 150


def database_settings(url: str, pool: int) -> dict[str, Any]:
    """A URL goes to the driver untouched, but for a database in memory: it is one for all threads."""
    try:
        made = make_url(url)
        made.get_dialect()
    except ArgumentError:  # whose words are the whole address, with a password perhaps
        raise ValueError(
            "PORTAL_DATABASE_URL is no address of a database; write sqlite:///portal.sqlite "
            "or postgresql+psycopg://user@host/name"
        ) from None
    # what people wrote is nobody's business who reads the log
    common: dict[str, Any] = {"hide_parameters": True, "query_cache_size": STATEMENTS}
    if made.get_backend_name() != "sqlite":
        options: dict[str, Any] = {
            **common,
            "pool_size": pool,
            "max_overflow": pool,
            "pool_timeout": CONNECT_TIMEOUT,
        }
        arguments: dict[str, Any] = {}
        if made.get_driver_name() in ("psycopg", "psycopg2") and "connect_timeout" not in made.query:
            arguments["connect_timeout"] = CONNECT_TIMEOUT
        if made.get_driver_name() == "psycopg":
            arguments["prepare_threshold"] = NEVER
        if arguments:
            options["connect_args"] = arguments
        return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": options}
    if made.database in (None, "", ":memory:"):
        shared = f"sqlite:///file:portal-{secrets.token_hex(8)}?mode=memory&cache=shared&uri=true"
        return {
            "SQLALCHEMY_DATABASE_URI": shared,
            "SQLALCHEMY_ENGINE_OPTIONS": {"poolclass": QueuePool, **common},
        }
    return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": common}


def own(app: Flask, settings: Config) -> None:
    """Give an application the portal's handle of the database.

    Raises:
        ValueError: a driver is missing.
    """
    if app.extensions.get("sqlalchemy") is not db:
        try:
            db.init_app(app)
        except ModuleNotFoundError as error:
            extra = "pip install 'flask-flow-portal[postgres]'"
            raise ValueError(
                f"PORTAL_DATABASE_URL needs a driver: {error}; for PostgreSQL: {extra}"
            ) from error
    with app.app_context():
        for engine in db.engines.values():
            prepare_engine(engine, settings.lock_timeout, settings.statement_timeout)
            if "mode=memory" in str(engine.url):  # it lives as long as a connection to it does
                app.extensions["portal_memory"] = engine.connect()


class Revisions:
    """Flask-Migrate's settings for the tables of a site's flows, `portal db migrate`: the folder, and all else when
    somebody asks for it. Alembic is a tenth of what a process that serves pages would hold."""

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


class RevisionCommands(click.Group):
    """`portal db …`: Flask-Migrate's commands, imported when one of them is asked for."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        return self._theirs().make_context(*args, **kwargs)

    def _theirs(self) -> click.Group:
        from flask_migrate.cli import db as theirs

        found: click.Group = theirs
        return found


def revisions(app: Flask) -> None:
    """Set up revisions for the tables of a site's flows."""
    app.extensions["migrate"] = app.extensions["portal_revisions"] = Revisions(app)
    app.cli.add_command(RevisionCommands("db", help="Revisions of the tables of flows."))


def of_guest(app: Flask, settings: Config, host: SQLAlchemy | None) -> None:
    """Use the database of an application around the portal: through its own handle, if it has one.

    Raises:
        PortalError: that handle is not ready, or was not given.
    """
    there: Any = app.extensions.get("sqlalchemy")
    if host is None or host is db:
        if there not in (None, db):
            raise PortalError(
                "the application has a Flask-SQLAlchemy object of its own: say Portal(app, db=db)"
            )
        if there is None and not app.config.get("SQLALCHEMY_DATABASE_URI"):
            app.config.update(database_settings(settings.database_url, settings.database_pool))
        own(app, settings)
    else:
        handle: Any = host
        if there is not handle:
            raise PortalError(
                "the Flask-SQLAlchemy object is not ready: say db.init_app(app) before Portal(app, db=db)"
            )
        app.extensions["portal_host_db"] = handle
        adopt(handle)
        registries.add(handle.Model.registry)
        with app.app_context():
            for engine in handle.engines.values():
                prepare_guest_engine(engine, settings.lock_timeout, settings.statement_timeout)
    _spare_our_tables(app)
    if "migrate" not in app.extensions:  # it may come later: look once more when the application is used

        def look(sender: Flask, **_: Any) -> None:
            _spare_our_tables(sender)
            appcontext_pushed.disconnect(look, app)

        appcontext_pushed.connect(look, app, weak=False)


def _spare_our_tables(app: Flask) -> None:
    """The application's own revisions are about its own tables: Alembic would drop ours, which it does not know."""
    found = app.extensions.get("migrate")
    if found is not None:
        found.configure_args.setdefault(
            "include_object", is_not_ours if "portal_host_db" in app.extensions else is_of_flows
        )
