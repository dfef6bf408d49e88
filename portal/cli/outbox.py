"""`portal outbox`: mail and web hooks that could not be sent."""

from __future__ import annotations

import click
from flask.cli import AppGroup

outgoing = AppGroup("outbox", help="Mail and web hooks that could not be sent.")


@outgoing.command("list")
def list_given_up() -> None:
    """List what was given up: number, process, kind, event and why."""
    from portal.engine import outbox
    from portal.models import db

    for row in outbox.given_up(db.session()):
        click.echo(f"{row.id:8} process {row.process_id or '-':<8} {row.kind:5} {row.event:9} {row.error}")


@outgoing.command("retry")
@click.argument("numbers", nargs=-1, type=int)
def retry(numbers: tuple[int, ...]) -> None:
    """Try what was given up again: all of it, or the rows with these numbers."""
    from portal.engine import outbox
    from portal.models import db

    click.echo(outbox.again(db.session(), numbers or None))
