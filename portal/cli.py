"""The `portal` command."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app, has_app_context
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from portal.config import cookie_name
from portal.errors import PortalError, TransientError
from portal.flow.registry import registry

DEFAULT_PORT = 5000
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Make the schema and the flows' own tables. May be repeated."""
    from portal.models import gaps
    from portal.models import init_db as make

    _refusing(make)
    for line in (found := gaps()):
        click.echo(line)
    if found:
        click.echo(
            "`portal db migrate` writes what is lacking as a revision; the next `portal init-db` makes it."
        )
        raise SystemExit(1)
    click.echo("The database is ready.")


@click.command("create-user")
@click.argument("username")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@click.option("--permission", "permissions", multiple=True, help="May be repeated.")
@click.option("--role", "roles", multiple=True, help="Made when absent; may be repeated.")
@click.option("--superuser", is_flag=True, help="May do everything.")
@click.option("--email", help="Where mail goes.")
@with_appcontext
def create_user(
    username: str,
    password: str,
    permissions: tuple[str, ...],
    roles: tuple[str, ...],
    superuser: bool,
    email: str | None,
) -> None:
    """Make a person who can sign in."""
    from portal.models import create_user as make

    _refusing(
        lambda: make(
            username, password, permissions=permissions, roles=roles, is_superuser=superuser, email=email
        )
    )
    click.echo(f"{username} can sign in.")


flows = AppGroup("flows", help="What the flows declare.")


@flows.command("list")
def list_flows() -> None:
    """List the flows with their labels and titles."""
    for label, flow_class in sorted(registry.items()):
        click.echo(f"{label:30} {flow_class.definition.title}")


@flows.command("check")
def check_flows() -> None:
    """Say that every flow is sound, and which running processes no longer fit the code.

    A flow that is declared wrongly fails when its module is imported, with the mend. Exits with 1 if a process does
    not fit. What a rename may have left behind, permissions and data of fields, is said beside.
    """
    from portal.engine.versions import incompatible, renaming, unread
    from portal.models import db

    for label, flow_class in sorted(registry.items()):
        click.echo(f"{label}: {len(flow_class.definition.nodes)} nodes, sound")
    # Flows can be checked before there is a database, in a build for example.
    ready = inspect(db.engine).has_table("portal_task")
    found = incompatible.find(db.session()) if ready else []
    lost = renaming.lost_classes(db.session()) if ready else []
    left_behind = [*unread.permissions(db.session()), *unread.data(db.session())] if ready else []
    for each in (*lost, *found, *left_behind):
        click.echo(str(each))
    if found:
        processes = len({misfit.process_id for misfit in found})
        click.echo(f"{_count(len(found), 'task')} of {_count(processes, 'process')} no longer fit the code.")
    if found or lost:
        raise SystemExit(1)


@flows.command("migrate")
@click.argument("label")
@click.option("--map", "pairs", multiple=True, required=True, metavar="OLD=NEW", help="May be repeated.")
@click.option(
    "--process", "processes", multiple=True, type=int, help="Only these processes; may be repeated."
)
@click.option("--fingerprint", help="Only tasks made by this declaration of the flow, as `check` names it.")
@click.option("--created-before", type=click.DateTime(), help="Only processes that are older, in UTC.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
def migrate_flows(
    label: str,
    pairs: tuple[str, ...],
    processes: tuple[int, ...],
    fingerprint: str | None,
    created_before: dt.datetime | None,
    dry_run: bool,
) -> None:
    """Move the open tasks of removed or renamed nodes to other nodes of the flow.

    Each task moves in an action of its own. Exits with 1 if a task had to stay.
    """
    from portal.engine.versions import migration
    from portal.models import db

    if label not in registry:
        raise click.ClickException(f"there is no flow {label!r}; there are: {', '.join(sorted(registry))}")
    names = _names(pairs)
    older = created_before.replace(tzinfo=dt.UTC) if created_before is not None else None
    chosen: dict[str, Any] = {"fingerprint": fingerprint, "created_before": older, "tell": click.echo}
    moves = _refusing(
        lambda: migration.move(db.session(), registry[label], names, processes, dry_run, **chosen)
    )
    stayed = sum(each.obstacle is not None for each in moves)
    moved = len(moves) - stayed
    rest = f" {stayed} {'would stay' if dry_run else 'stayed'}." if stayed else ""
    click.echo(f"{_count(moved, 'task')} {'would move' if dry_run else 'moved'}.{rest}")
    if not moves:
        places = migration.waiting_at(db.session(), registry[label])
        there = ", ".join(f"{name} ({number})" for name, number in places.items()) or "none"
        click.echo(f"Open tasks of {label} are at: {there}")
    if stayed:
        raise SystemExit(1)


def _names(pairs: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for pair in pairs:
        old, equals, new = pair.partition("=")
        if not (old and equals and new):
            raise click.BadParameter(f"{pair!r} is not OLD=NEW", param_hint="--map")
        if names.setdefault(old, new) != new:
            raise click.BadParameter(f"{old} cannot move to {names[old]} and to {new}", param_hint="--map")
    return names


def _count(number: int, thing: str) -> str:
    return f"{number} {thing if number == 1 else thing + ('es' if thing.endswith('s') else 's')}"


@flows.command("rename-class")
@click.argument("old")
@click.argument("new")
def rename_class(old: str, new: str) -> None:
    """Let the processes of class OLD, which was renamed or moved, be of class NEW.

    Each is `module:Class`, or the label of a flow; the permissions of a flow go with it.
    """
    from portal.engine.versions import renaming
    from portal.models import db

    moved = _refusing(lambda: renaming.rename(db.session(), old, new))
    click.echo(f"{_count(moved, 'process')} moved.")


@flows.command("export")
@click.argument("label")
@click.option("--format", "form", type=click.Choice(["bpmn", "svg"]), default="bpmn", show_default=True)
def export_flow(label: str, form: str) -> None:
    """Print a flow as BPMN 2.0 or as a picture."""
    from portal import render

    if label not in registry:
        raise click.ClickException(f"there is no flow {label!r}; there are: {', '.join(sorted(registry))}")
    click.echo(render.bpmn(registry[label]) if form == "bpmn" else render.svg(registry[label]))


timers = AppGroup("timers", help="What the clock does.")


@timers.command("fire")
def fire_timers() -> None:
    """Fire the timers and start the flows that are due, and print the number."""
    from portal.engine.queue import schedules, timers
    from portal.models import db

    fired = schedules.fire(db.session())
    while found := timers.claim_due(db.session(), timers.now(), 20):
        fired += sum(timers.fire_claimed(db.session(), each) for each in found)
    click.echo(fired)


outgoing = AppGroup("outbox", help="Mail and web hooks that could not be sent.")


@outgoing.command("list")
def list_given_up() -> None:
    """List what was given up: number, process, kind, event and why."""
    from portal.engine import outbox
    from portal.models import db

    for row in outbox.given_up(db.session()):
        click.echo(f"{row.id:8} process {row.process_id:<8} {row.kind:5} {row.event:9} {row.error}")


@outgoing.command("retry")
@click.argument("numbers", nargs=-1, type=int)
def retry(numbers: tuple[int, ...]) -> None:
    """Try what was given up again: all of it, or the rows with these numbers."""
    from portal.engine import outbox
    from portal.models import db

    click.echo(outbox.again(db.session(), numbers or None))


@click.command("stats")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def stats(as_json: bool) -> None:
    """Say what waits: unfinished processes, open tasks by flow and state, what is late, due or failed."""
    from portal import queries
    from portal.engine.queue import timers
    from portal.models import db

    figures = queries.figures(db.session(), timers.now())
    if as_json:
        click.echo(json.dumps(figures.plain(), indent=2))
        return
    for line in figures.lines():
        click.echo(line)


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@with_appcontext
def backup(target: Path) -> None:
    """Copy the database into a new file while people work."""
    from portal.backup import backup as make
    from portal.models import db

    _refusing(lambda: make(db.engine, target))
    click.echo(f"{target}: {target.stat().st_size:,} bytes")


@click.command("worker")
@click.option(
    "--grace", type=float, help="Seconds to finish what has begun after SIGTERM; PORTAL_GRACE, else 30."
)
@click.option(
    "--metrics", envvar="PORTAL_WORKER_METRICS", metavar="HOST:PORT", help="Where /metrics tells what it did."
)
@with_appcontext
def worker(grace: float | None, metrics: str | None) -> None:
    """Fire timers and run jobs until SIGTERM; any number of them may run."""
    from portal.work.worker import work

    if metrics is not None:
        _refusing(lambda: _serve_figures(metrics))
    _refusing(lambda: work(current_app.extensions["portal_scheduler"], grace))


def _serve_figures(place: str) -> None:
    """Serve what this process counts, in a thread.

    Raises:
        PortalError: nobody can listen there.
    """
    from prometheus_client import start_http_server

    host, _, port = place.rpartition(":")
    try:
        start_http_server(int(port), addr=host or "127.0.0.1")
    except (ValueError, OverflowError, OSError) as error:
        raise PortalError(
            f"no metrics at {place!r}: {error}; it is HOST:PORT, such as 127.0.0.1:9100"
        ) from error


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
    _refusing(make)
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


def demand_columns() -> None:
    """Refuse to serve half: with a table that lacks a column, whatever touches it fails.

    Raises:
        ClickException: the columns, and the mend.
    """
    from portal.models import column_fault, db

    with db.engine.connect() as connection:
        fault = column_fault(connection)
    if fault is not None:
        raise click.ClickException(f"the schema of the database is not that of the flows: {fault}")


def in_words(command: click.Command) -> None:
    """A command that the database refuses says so in one line, and exits with 1."""
    invoke = command.invoke

    def told(context: click.Context) -> Any:
        try:
            return invoke(context)
        except SQLAlchemyError as error:
            raise click.ClickException(f"the database cannot be used: {_said(error)}") from error
        except TransientError as error:
            raise click.ClickException(str(error)) from error

    command.invoke = told  # type: ignore[method-assign, assignment]


def _said(error: SQLAlchemyError) -> str:
    from portal.engine.retries import reason
    from portal.models import db, schema_fault

    words = reason(error)
    if not has_app_context():
        return words
    try:
        fault = schema_fault(db.session())
    except SQLAlchemyError:
        return words
    return words if fault is None else f"{words} ({fault})"


def _refusing(call: Any) -> Any:
    try:
        return call()
    except PortalError as error:
        raise click.ClickException(str(error)) from error


COMMANDS: Iterable[click.Command] = (init_db, create_user, flows, timers, outgoing, stats, backup, worker)
for _command in (*COMMANDS, run):
    in_words(_command)


def init_app(app: Flask) -> None:
    """Offer the commands to `flask --app wsgi …` too."""
    for command in COMMANDS:
        app.cli.add_command(command)


def group() -> click.Group:
    """The commands as `flask --app shop portal …`, in an application around the portal."""
    made = AppGroup("portal", help="The workflow portal.")
    for command in COMMANDS:
        made.add_command(command)
    in_words(made)
    return made
