"""`portal run`: the portal on one machine, for development."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from portal.config import cookie_name

from .database import demand_columns
from .refusals import refusing

DEFAULT_PORT = 5000
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command("run")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=DEFAULT_PORT, show_default=True)
@click.option("--demo", is_flag=True, help="Demo people and processes in an empty database.")
@with_appcontext
def run(host: str, port: int, demo: bool) -> None:
    """Serve the portal for development: schema made, timers and jobs in this process."""
    from waitress import create_server

    from portal.demo import bring_examples, make_demo
    from portal.models import init_db as make

    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if demo and host not in LOOPBACK:
        raise click.ClickException("--demo has well-known passwords: serve it on 127.0.0.1 only")
    if demo:
        bring_examples(app)
    refusing(make)
    demand_columns()
    if demo:
        for line in make_demo():
            click.echo(line)
    try:
        server: Any = create_server(
            # what a proxy says of a request must be seen, to know that it did not come from this machine
            app, host=host, port=port, threads=8, clear_untrusted_proxy_headers=False,
        )  # fmt: skip
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}; try --port") from error
    if "PORTAL_BASE_URL" not in os.environ:  # links in mail lead to where this is served
        here = replace(app.extensions["portal"], base_url=f"http://{host}:{server.effective_port}")
        app.extensions["portal"] = app.extensions["portal_sender"].settings = here
        if "PORTAL_SESSION_COOKIE_NAME" not in os.environ and server.effective_port != DEFAULT_PORT:
            app.config["SESSION_COOKIE_NAME"] = cookie_name(here.base_url)
    if app.extensions["portal"].scheduler:
        app.extensions["portal_scheduler"].start()
    click.echo(f"The portal runs at http://{host}:{server.effective_port} (Ctrl+C stops it).")
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager ends it as Ctrl+C does
    try:
        server.run()
    finally:
        app.extensions["portal_scheduler"].stop()
