"""The portal as a Flask extension: its pages below a prefix of an application, its tables in that one's database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from portal import api, cli, databases, folders, language, work
from portal.administration.identity import Identity
from portal.config import Config
from portal.discovery import discover_for
from portal.engine.queue import schedules
from portal.errors import FlowError, PortalError
from portal.flow.registry import Flows
from portal.models import Passwords, demand_objects
from portal.storage import Storage
from portal.web import pages
from portal.web.mount import Mount, believe_proxies

__all__ = ["Identity", "Portal", "install"]


class Portal:
    """The portal in an application.

    Args:
        app: the application; or call `init_app` later.
        url_prefix: below which the pages are, such as `/work`; "" for the root.
        flows: names of modules and packages with flows; `PORTAL_FLOWS`, or `flows`, without it.
        db: the application's own Flask-SQLAlchemy object, made ready before; `portal.models.db` without it.
        identity: says in a request who makes it; its `None` is nobody. Without it people sign in to the portal.
        config: overrides the environment, as of `create_app`; with `LOGIN_URL`, where nobody is sent to sign in.

    Raises:
        FlowError: a flow is declared wrongly, or two have one label.
        PortalError: the application has a portal already, signs people in without an `identity`, or its database is not
            ready.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        url_prefix: str = "",
        flows: Iterable[str] | None = None,
        db: SQLAlchemy | None = None,
        identity: Callable[[], Identity | None] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.url_prefix, self.flows, self.db = url_prefix, flows, db
        self.identity, self.config = identity, config
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Flask,
        *,
        url_prefix: str | None = None,
        flows: Iterable[str] | None = None,
        db: SQLAlchemy | None = None,
        identity: Callable[[], Identity | None] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Put the portal into an application. What is not given is as the object was made with."""
        identity = self.identity if identity is None else identity
        flows = self.flows if flows is None else flows
        _demand_room(app, identity)
        said = {**(self.config or {}), **(config or {}), **({} if flows is None else {"FLOWS": flows})}
        settings = Config.read(_beside(app, said), Path(app.instance_path))
        prefix = _clean((self.url_prefix if url_prefix is None else url_prefix) or "")
        if not app.secret_key:
            app.secret_key = settings.secret_key
        for name, value in settings.flask.items():
            if name.startswith(("MAIL_", "CELERY_")) or (name in said and name != "LOGIN_URL"):
                app.config.setdefault(name, value)
        Passwords.cheap = Passwords.cheap or app.testing
        databases.of_guest(app, settings, self.db if db is None else db)
        login_url = settings.flask.get("LOGIN_URL") or app.config.get("LOGIN_URL")
        install(app, settings, Mount(whole=False, prefix=prefix, identity=identity, login_url=login_url))
        believe_proxies(app, settings.trusted_proxies, prefix)
        app.cli.add_command(cli.group())


def install(app: Flask, settings: Config, mount: Mount) -> None:
    """Put flows, pages, clock and post into an application whose database is ready.

    Raises:
        FlowError: a flow is declared wrongly, or two have one label.
    """
    app.extensions["portal"] = settings
    flows = discover_for(app, settings.flows)
    flows.max_depth, flows.job_timeout = settings.max_depth, settings.job_timeout
    flows.calendar = settings.calendar
    demand_objects()
    _demand_modules(flows)
    schedules.check(flows.values())
    for folder in (Path(app.root_path), folders.site()):
        language.add_folder(folder / "translations")
    app.extensions["portal_storage"] = Storage(settings.storage)
    pages.init_app(app, mount, api.blueprints())
    work.init_app(app, settings)


def _demand_room(app: Flask, identity: Any) -> None:
    if identity is not None and not callable(identity):
        raise PortalError(
            f"identity= is a function that is called in a request, not {identity!r}; write lambda: …"
        )
    if "portal" in app.extensions:
        raise PortalError("this application has a portal already")
    if identity is None and getattr(app, "login_manager", None) is not None:
        raise PortalError(
            "people sign in to this application already: say who they are, Portal(app, identity=…), "
            "with a function that answers a portal.Identity or None"
        )


def _beside(app: Flask, said: dict[str, Any]) -> dict[str, Any]:
    """What is said, and what the application says where nothing is: it has its own database, secret and cookie."""
    given: dict[str, Any] = {
        "TESTING": app.testing,
        "DATABASE_URL": app.config.get("SQLALCHEMY_DATABASE_URI"),
    }
    given |= {"SECRET_KEY": app.secret_key, "SESSION_COOKIE_NAME": app.config["SESSION_COOKIE_NAME"]}
    return {name: value for name, value in given.items() if value is not None} | said


def _clean(prefix: str) -> str:
    return f"/{prefix.strip('/')}" if prefix.strip("/") else ""


def _demand_modules(flows: Flows) -> None:
    """Refuse what is declared in the script that runs: its name is stored, and means something else next time."""
    for flow_class in flows.values():
        for declared in (flow_class, flow_class.definition.process_class):
            if declared is not None and declared.__module__ == "__main__":
                raise FlowError(
                    f"{declared.__qualname__} is declared in the script that runs, where no other process finds it; "
                    "move it into a module, and name that in `flows`"
                )
