"""The command `portal`, also as `python -m portal`: the commands of `portal.cli` in the application of this folder."""

from __future__ import annotations

import os
import sys

import click
from flask import Flask
from flask.cli import FlaskGroup

from portal.app import create_app
from portal.cli import COMMANDS, OWN_COMMANDS
from portal.cli.refusals import in_words
from portal.errors import PortalError


class PortalGroup(FlaskGroup):
    """Finds its own commands without a look at those that other packages bring, such as `db`: that would import them
    all."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return self.commands.get(name) or super().get_command(ctx, name)


def main() -> None:
    """Run a command in the application of this folder."""
    group = PortalGroup(
        name="portal", create_app=_load, add_default_commands=False, add_version_option=False,
        help="The workflow portal.", set_debug_flag=False, load_dotenv=False,
    )  # fmt: skip
    group.params = []
    for command in (*COMMANDS, *OWN_COMMANDS):
        group.add_command(command)
    in_words(group)
    group.main()


def _load() -> Flask:
    sys.path.insert(0, os.getcwd())
    try:
        return create_app()
    except (PortalError, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
