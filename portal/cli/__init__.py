"""The commands of `portal`, a file for each group.

What a command alone needs is imported when it runs: `portal --help` and `portal flows list` start quickly.
"""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from . import (
    audit,
    database,
    flows,
    incidents,
    mail,
    new,
    outbox,
    people,
    reading,
    reports,
    retention,
    roles,
    run,
    shell,
    stats,
    timers,
    tokens,
    worker,
)  # fmt: skip
from .refusals import in_words

#: what `flask --app wsgi …` offers, too
COMMANDS: tuple[click.Command, ...] = (
    database.init_db,
    people.create_user,
    people.people,
    roles.roles,
    audit.audit,
    retention.retention,
    tokens.tokens,
    flows.flows,
    timers.timers,
    outbox.outgoing,
    mail.mail,
    incidents.incidents,
    stats.stats,
    reports.reports,
    database.backup,
    worker.worker,
)
#: what `portal` alone offers
OWN_COMMANDS: tuple[click.Command, ...] = (new.new, run.run, shell.shell)
for _command in reading.COMMANDS:
    flows.flows.add_command(_command)
for _command in (*COMMANDS, *OWN_COMMANDS):
    in_words(_command)
#: what a command of a site is called under `flask --app wsgi`, as in an application around the portal
_GROUP = "portal"


def init_app(app: Flask) -> None:
    """Offer the commands to `flask --app wsgi …` too."""
    shell.init_app(app)
    for command in COMMANDS:
        app.cli.add_command(command)
    if _GROUP not in app.cli.commands:
        same = group()
        same.hidden = True
        app.cli.add_command(same)


def group() -> click.Group:
    """The commands as `flask --app shop portal …`, in an application around the portal."""
    made = AppGroup(_GROUP, help="The workflow portal.")
    for command in COMMANDS:
        made.add_command(command)
    return made
