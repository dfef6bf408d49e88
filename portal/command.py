"""The commands of `portal.cli` in the application of this folder."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import click
from flask import Flask
from flask.cli import FlaskGroup

from portal import folders, logs
from portal.cli import COMMANDS, OWN_COMMANDS, flows
from portal.cli.refusals import in_words
from portal.config import Config
from portal.discovery import discover_for
from portal.errors import PortalError


class PortalGroup(FlaskGroup):
    """Finds its own commands without a look at those that other packages bring, such as `db`: that would import them
    all."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return self.commands.get(name) or super().get_command(ctx, name)


def group() -> click.Group:
    """The command `portal` with all that it can do."""
    made = PortalGroup(
        name="portal", create_app=_load, add_default_commands=False, add_version_option=False,
        help="The workflow portal.", set_debug_flag=False, load_dotenv=False,
    )  # fmt: skip
    made.params = []
    for command in (*COMMANDS, *OWN_COMMANDS):
        made.add_command(command)
    in_words(made)
    return made


def _load() -> Flask:
    """The application in which the command runs that is under way."""
    sys.path.insert(0, os.getcwd())
    context = click.get_current_context(silent=True)
    try:
        app = _bare() if context is not None and context.command in flows.BARE else _whole()
    except Exception as error:
        from portal.cli.slips import (
            fault_of,
        )  # asks all the words of the language, which most commands do not need

        fault = None if isinstance(error, PortalError) else fault_of(error)
        if fault is None and not isinstance(error, PortalError | ValueError | OSError):
            raise
        raise click.ClickException(str(fault or error)) from error
    gc.freeze()  # what is there now stays: nobody needs to look at it again
    gc.enable()
    return app


def _whole() -> Flask:
    from portal.app import create_app

    return create_app()


def _bare() -> Flask:
    """One that has flows alone, for commands that read what they declare: it starts in half the time."""
    site = folders.site()
    app = Flask("portal", instance_path=str(site / "instance"))
    settings = Config.read(None, Path(app.instance_path))
    logs.configure(settings.log)
    discover_for(app, settings.flows)
    return app
