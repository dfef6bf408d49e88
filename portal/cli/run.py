"""`portal run`: the portal on one machine, for development."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import Flask
from flask.cli import ScriptInfo

from portal.config import cookie_name

from .database import demand_columns
from .refusals import in_one_line

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

DEFAULT_PORT = 5000
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command("run")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=DEFAULT_PORT, show_default=True)
@click.option("--demo", is_flag=True, help="Demo people and processes in an empty database.")
@click.option("--reload", is_flag=True, help="Start again when a Python file or a table of a flow is saved.")
@click.option(
    "--debug", is_flag=True, help="Show what is wrong with a flow as a page, and the insides of processes."
)
@click.pass_context
def run(context: click.Context, host: str, port: int, demo: bool, reload: bool, debug: bool) -> None:
    """Serve the portal for development: schema made, timers and jobs in this process."""
    if demo and host not in LOOPBACK:
        raise click.ClickException("--demo has well-known passwords: serve it on 127.0.0.1 only")
    if debug and host not in LOOPBACK:
        raise click.ClickException("--debug shows code and data: serve it on 127.0.0.1 only")
    if debug:
        os.environ["FLASK_DEBUG"] = "1"
    load = context.ensure_object(ScriptInfo).load_app
    serve = partial(_serve, load, host, port, demo, debug)
    if reload:
        from werkzeug._reloader import run_with_reloader

        tables = [str(each) for each in Path("flows").rglob("*") if each.suffix in (".csv", ".dmn")]
        run_with_reloader(
            partial(_in_thread, context, serve), extra_files=tables, exclude_patterns=["*/site-packages/*"]
        )
    else:
        serve()


def _in_thread(context: click.Context, serve: Callable[[], None]) -> None:
    """Run the server in the reloader's thread. A refusal is printed, and the reloader keeps watching."""
    with context.scope(cleanup=False):
        try:
            with in_one_line():
                serve()
        except click.ClickException as error:
            error.show()


def _serve(load: Callable[[], Flask], host: str, port: int, demo: bool, debug: bool) -> None:
    try:
        app = load()
    except Exception as error:
        if not debug:
            raise
        _serve_fault(error, host, port)
        return
    with app.app_context():
        _prepare(app, demo)
        _serve_app(app, host, port)


def _serve_fault(error: Exception, host: str, port: int) -> None:
    """Serve the page that says why the site could not be loaded."""
    from .broken import BrokenSite

    known = isinstance(error, click.ClickException) and error.__cause__ is not None
    site = BrokenSite(error.__cause__ if known and error.__cause__ is not None else error)
    click.echo(site.terminal, err=True)
    server = _listen(site, host, port)
    click.echo(f"The portal could not be loaded: http://{host}:{server.effective_port} says why.")
    _run(server)


def _prepare(app: Flask, demo: bool) -> None:
    """Make the schema, and the demo's people and processes."""
    from portal.demo import bring_examples, make_demo
    from portal.engine import declarations
    from portal.models import db
    from portal.models import init_db as make

    if demo:
        bring_examples(app)
    make()
    demand_columns()
    declarations.keep(db.session())
    if demo:
        for line in make_demo():
            click.echo(line)


def _serve_app(app: Flask, host: str, port: int) -> None:
    server = _listen(app, host, port)
    if "PORTAL_BASE_URL" not in os.environ:  # links in mail lead to where this is served
        here = replace(app.extensions["portal"], base_url=f"http://{host}:{server.effective_port}")
        app.extensions["portal"] = app.extensions["portal_sender"].settings = here
        if "PORTAL_SESSION_COOKIE_NAME" not in os.environ and server.effective_port != DEFAULT_PORT:
            app.config["SESSION_COOKIE_NAME"] = cookie_name(here.base_url)
    if app.extensions["portal"].scheduler:
        app.extensions["portal_scheduler"].start()
    click.echo(f"The portal runs at http://{host}:{server.effective_port} (Ctrl+C stops it).")
    try:
        _run(server)
    finally:
        app.extensions["portal_scheduler"].stop()


def _listen(app: WSGIApplication, host: str, port: int) -> Any:
    from waitress import create_server

    try:
        return create_server(
            # what a proxy says of a request must be seen, to know that it did not come from this machine
            app, host=host, port=port, threads=8, clear_untrusted_proxy_headers=False,
        )  # fmt: skip
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}; try --port") from error


def _run(server: Any) -> None:
    sys.stdout.flush()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager ends it as Ctrl+C does
    server.run()
