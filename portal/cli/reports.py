"""`portal reports`: the counts that reports are read from."""

from __future__ import annotations

import click
from flask.cli import AppGroup

reports = AppGroup("reports", help="The counts that reports are read from.")


@reports.command("rebuild")
def rebuild() -> None:
    """Count the whole history anew.

    Workers keep the counts up to date; this is for after a change of PORTAL_TIMEZONE, a rename of flows, or a
    removal of processes. Pages say meanwhile up to when they count. Workers may run. A command that was killed is
    run again.
    """
    from portal.engine.reports import counting
    from portal.models import db

    counting.rebuild(db.session())
    events = counting.count_all(db.session())
    click.echo(f"{events} events counted.")
