"""`portal timers`: fires what is due."""

from __future__ import annotations

import click
from flask.cli import AppGroup

timers = AppGroup("timers", help="What the clock does.")


@timers.command("fire")
def fire_timers() -> None:
    """Fire the timers and start the flows that are due, and print the number."""
    from portal.engine.queue import schedules, timers
    from portal.models import db

    fired = schedules.fire(db.session())
    while found := timers.claim_due(db.session(), timers.now(), 20):
        fired += timers.fire_all(db.session(), found)
    click.echo(fired)
