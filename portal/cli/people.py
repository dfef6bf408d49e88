"""`portal create-user`: who can sign in."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from .refusals import refusing


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

    refusing(
        lambda: make(
            username, password, permissions=permissions, roles=roles, is_superuser=superuser, email=email
        )
    )
    click.echo(f"{username} can sign in.")
