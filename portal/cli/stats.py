"""`portal stats`: prints figures of what waits."""

from __future__ import annotations

import json

import click
from flask.cli import with_appcontext


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
