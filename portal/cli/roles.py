"""`portal roles`: named sets of permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from .people import person_named, writing

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from portal.models import Role

roles = AppGroup("roles", help="Roles: list, set, remove.")


@roles.command("list")
@click.option("--words", is_flag=True, help="Say in words what each allows.")
def list_roles(words: bool) -> None:
    """List roles: name, how many people have it, permissions."""
    from portal.administration import rights
    from portal.administration import roles as administration
    from portal.models import db

    known = {each.name: each for each in rights.catalogue()}
    for each in administration.listed(db.session()):
        names = sorted(each.role.permissions)
        click.echo(f"{each.role.name:20} {each.people:6}  {'' if words else ' '.join(names) or '-'}".rstrip())
        for name in names if words else ():
            permission = rights.in_words(name, known)
            click.echo(f"    {permission.flow}: {permission.words} ({name})")


@roles.command("set")
@click.argument("name")
@click.argument("allowed", nargs=-1, metavar="[PERMISSION]...")
@click.option("--permission", "permissions", multiple=True, help="May be repeated; takes the place of all.")
@click.option("--rename", help="The new name.")
@click.option("--member", "members", multiple=True, help="Give it to this user; may be repeated.")
@click.option("--remove-member", "leavers", multiple=True, help="Take it from this user; may be repeated.")
def set_role(
    name: str,
    allowed: tuple[str, ...],
    permissions: tuple[str, ...],
    rename: str | None,
    members: tuple[str, ...],
    leavers: tuple[str, ...],
) -> None:
    """Make a role, or say anew what it allows. `--permission ""` leaves it without any."""
    from portal.administration import roles as administration

    permissions += allowed
    wanted = [each for each in permissions if each]
    with writing() as session:
        role = administration.named(session, name)
        if role is None:
            role = administration.add(session, rename or name, wanted, None)
        else:
            administration.change(
                session, role, None, name=rename, permissions=wanted if permissions else None
            )
        for people, added in ((members, True), (leavers, False)):
            found = [person_named(session, username) for username in people]
            administration.set_members(session, role, found, None, added=added)
        click.echo(f"{role.name}: {', '.join(sorted(role.permissions)) or 'no permissions'}")


@roles.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Delete a role: whoever has it loses what it allows."""
    from portal.administration import roles as administration

    with writing() as session:
        administration.remove(session, _role(session, name), None)
    click.echo(f"{name} is removed.")


def _role(session: Session, name: str) -> Role:
    from portal.administration import roles as administration

    role = administration.named(session, name)
    if role is None:
        known = ", ".join(each.role.name for each in administration.listed(session)) or "none"
        raise click.ClickException(f"there is no role {name!r}; there are: {known}")
    return role
