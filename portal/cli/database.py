"""`portal init-db` and `portal backup`: the database as a whole."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Make the schema and the flows' own tables. May be repeated."""
    from portal.models import gaps
    from portal.models import init_db as make

    make()
    for line in (found := gaps()):
        click.echo(line)
    if found:
        click.echo(
            "`portal db migrate` writes what is lacking as a revision; the next `portal init-db` makes it."
        )
        raise SystemExit(1)
    click.echo("The database is ready.")


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@with_appcontext
def backup(target: Path) -> None:
    """Copy the database into a new file while people work."""
    from portal.backup import backup as make
    from portal.models import db

    make(db.engine, target)
    click.echo(f"{target}: {target.stat().st_size:,} bytes")


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
