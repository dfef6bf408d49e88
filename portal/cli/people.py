"""`portal create-user` and `portal people`: who can sign in, and what is known of them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup, with_appcontext

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from portal.models import User


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

    make(username, password, permissions=permissions, roles=roles, is_superuser=superuser, email=email)
    click.echo(f"{username} can sign in.")


people = AppGroup("people", help="People: list, add, edit, deactivate, import, erase.")


def writing() -> AbstractContextManager[Session]:
    """A transaction that writes."""
    from portal.engine import writes
    from portal.models import db

    return writes.writing(db.session())


def person_named(session: Session, username: str) -> User:
    """
    Raises:
        ClickException: there is none.
    """
    from portal.administration import people as administration

    found = administration.one(session, username)
    if found is None:
        raise click.ClickException(f"there is no user {username!r}")
    return found


def _values(command: Any) -> Any:
    """The options that say something of a person."""
    options = (
        click.option("--name", "--full-name", "full_name", help="What others see."),
        click.option("--email", help="Where mail goes."),
        click.option("--manager", help="A user name; empty for none."),
        click.option("--department"),
        click.option("--skill", "skills", multiple=True, help="May be repeated; takes the place of all."),
        click.option("--capacity", help="Open tasks at most; empty for any number."),
        click.option("--language", help="Such as de or de-CH."),
        click.option("--timezone", help="Such as Europe/Zurich."),
        click.option("--role", "roles", multiple=True, help="May be repeated; takes the place of all."),
        click.option("--permission", "permissions", multiple=True,
                     help="May be repeated; takes the place of all."),
        click.option("--superuser/--no-superuser", "is_superuser", default=None, help="May do everything."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """The values that were given; an empty text empties a list."""
    said = {name: value for name, value in values.items() if value is not None and value != ()}
    return {
        name: [each for each in value if each] if isinstance(value, tuple) else value
        for name, value in said.items()
    }


@people.command("list")
@click.option("--search", "q", default="", help="A part of a name or of a mail address.")
@click.option("--role", default="", help="Who has this role.")
@click.option("--department", default="")
@click.option("--state", type=click.Choice(["active", "deactivated", "erased"]))
def list_people(q: str, role: str, department: str, state: str | None) -> None:
    """List people: user name, name, state, roles, last sign-in."""
    from portal.administration import directory
    from portal.models import db

    wanted = directory.Wanted(q=q, role=role, department=department, state=state or "", sort="username")
    for user in directory.everybody(db.session(), wanted):
        active = "erased" if user.erased else "active" if user.is_active else "deactivated"
        roles = ", ".join(sorted(each.name for each in user.roles)) or "-"
        seen = user.last_sign_in.strftime("%Y-%m-%d %H:%M") if user.last_sign_in else "never"
        flag = " (superuser)" if user.is_superuser else ""
        click.echo(f"{user.username:20} {user.name:30} {active:12} {seen:16} {roles}{flag}")


@people.command("add")
@click.argument("username")
@click.option("--password", help="Without one a link is printed by which the person chooses one.")
@click.option("--invite", is_flag=True, help="Send that link by mail instead.")
@_values
def add(username: str, password: str | None, invite: bool, **values: Any) -> None:
    """Add a person. Roles have to be there: `portal roles set` makes them."""
    from portal.administration import invitations
    from portal.administration import people as administration

    if invite:
        _demand_mail()
    with writing() as session:
        person = administration.add(session, username, _given(values), None, password)
        if invite:
            invitations.invite(session, person, None)
    if invite:
        click.echo(f"{person.username} is added, and an invitation is on its way.")
    elif password is None:
        click.echo(f"{person.username} is added, and chooses a password within three days at {_link(person)}")
    else:
        click.echo(f"{person.username} can sign in.")


def _demand_mail() -> None:
    """
    Raises:
        ClickException: no mail leaves this portal.
    """
    from flask import current_app

    if not current_app.config.get("MAIL_SERVER") and not current_app.testing:
        raise click.ClickException("no mail leaves: PORTAL_MAIL_SERVER is not set")


def _link(person: User) -> str:
    from flask import current_app

    from portal.administration import password_links
    from portal.work.addresses import address

    base_url = current_app.extensions["portal"].base_url
    return address(base_url, "passwords.choose", token=password_links.token_for(person))


@people.command("edit")
@click.argument("username")
@_values
@click.option("--active", is_flag=True, help="Let them sign in again.")
@click.option("--password-link", is_flag=True, help="End their sessions; print a link to choose a password.")
@click.option("--invite", is_flag=True, help="Send an invitation, to who has no password yet.")
@click.option("--reset-second-factor", "resets", is_flag=True, help="For who has lost their phone.")
def edit(username: str, active: bool, password_link: bool, invite: bool, resets: bool, **values: Any) -> None:
    """Change what is known of a person; what is not said stays."""
    from portal.administration import invitations, leaving, second_factors
    from portal.administration import people as administration

    if invite:
        _demand_mail()
    with writing() as session:
        person = person_named(session, username)
        changed = administration.change(session, person, _given(values), None)
        if active:
            leaving.reactivate(session, person, None)
        if password_link:
            administration.end_sessions(session, person, None)
        if invite:
            invitations.invite(session, person, None)
        if resets:
            second_factors.remove(session, person, None)
    click.echo(f"{person.username}: {', '.join(changed) or 'nothing'} changed.")
    if password_link:
        click.echo(_link(person))


@people.command("deactivate")
@click.argument("username")
@click.option("--tasks", help="What becomes of open tasks: queue, leave, or who gets them.")
@click.option("--requests", help="What becomes of requests in progress: leave, or who is the requester then.")
@click.option("--reason", default="", help="Kept in the history of each task and request.")
def deactivate(username: str, tasks: str | None, requests: str | None, reason: str) -> None:
    """Deactivate a person. Say what becomes of their open work, if there is any; again to go on."""
    from portal.administration import leaving
    from portal.models import db

    session = db.session()
    person = person_named(session, username)
    person_id, name, work = person.id, person.username, leaving.work_of(session, person)
    if (work.tasks and tasks is None) or (work.requests and requests is None):
        raise click.ClickException(
            f"{name} has {work.tasks} open tasks and {work.requests} requests in progress: say --tasks queue, "
            "leave or a user name, and --requests leave or a user name"
        )
    to, requester = (_heir(session, heir or "leave", person) for heir in (tasks, requests))
    leaving.deactivate(session, person_id, None)
    given = leaving.give(session, person_id, None, tasks=to, requests=requester or "leave", reason=reason)
    click.echo(f"{name} is deactivated; {given.tasks} tasks and {given.requests} requests given to others.")
    for line in given.refused:
        click.echo(f"refused: {line}", err=True)


def _heir(session: Session, name: str, leaver: User) -> Any:
    if name in ("leave", "queue"):
        return "leave" if name == "leave" else None
    heir = person_named(session, name)
    if not heir.is_active or heir.id == leaver.id:
        raise click.ClickException(f"{heir.username} gets no tasks")
    return heir.id


@people.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.option("--invite", is_flag=True, help="Send who is new, and has a mail address, an invitation.")
def import_people(file: Path, dry_run: bool, invite: bool) -> None:
    """Add and change people as a CSV file says: all of it, or nothing where a line is faulty."""
    from portal.administration import people_import

    if invite:
        _demand_mail()
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file} cannot be read: {error}") from error
    with writing() as session:
        report = people_import.run(session, people_import.read(text), None, dry=dry_run)
        if invite and not dry_run and not report.faults:
            _invite_new(session, [line.username for line in report.lines if line.new])
    for name in report.roles:
        click.echo(f"new role: {name}")
    for line in report.lines:
        if not line.fault and (line.new or line.changes):
            word = "new" if line.new else "changed"
            click.echo(f"line {line.number}: {line.username} {word}; {'; '.join(line.changes)}".rstrip("; "))
    for line in report.faults:
        click.echo(f"line {line.number}: {line.username or '(nobody)'}: {line.fault}", err=True)
    if report.faults:
        raise click.ClickException(f"{len(report.faults)} lines are faulty: nothing was changed")
    done = "would be added or changed" if dry_run else "added or changed"
    click.echo(f"{len(report.changed)} of {len(report.lines)} people {done}.")


@people.command("sync")
@click.option("--add", "adds", is_flag=True, help="Add who is new there; else they are when they sign in.")
def sync_people(adds: bool) -> None:
    """Bring people up to date with the directory of PORTAL_LDAP_URL; deactivate who is gone there."""
    from flask import current_app

    from portal.administration import directory_sync

    directory = current_app.extensions.get("portal_ldap")
    if directory is None:
        raise click.ClickException("there is no directory: PORTAL_LDAP_URL is not set")
    with writing() as session:
        synced = directory_sync.sync(session, directory, adds=adds)
    for word in ("added", "deactivated", "reactivated"):
        for name in getattr(synced, word):
            click.echo(f"{name} is {word}.")
    click.echo(f"{synced.unknown} people of the directory are not here.")


def _invite_new(session: Session, names: list[str]) -> None:
    from portal.administration import invitations

    for name in names:
        person = person_named(session, name)
        if person.email and invitations.is_open(session, person):
            invitations.invite(session, person, None)


@people.command("erase")
@click.argument("username")
def erase(username: str) -> None:
    """Take a person's name out of everything; what they did stays. Who has open work is deactivated first."""
    from portal.administration import erasing, leaving
    from portal.models import db

    session = db.session()
    person = person_named(session, username)
    person_id, work = person.id, leaving.work_of(session, person)
    if person.is_active:
        if work.tasks or work.requests:
            raise click.ClickException(
                f"{person.username} has open work: `portal people deactivate` asks what becomes of it"
            )
        leaving.deactivate(session, person_id, None)
    count = erasing.erase(session, person_id, None)
    click.echo(f"Erased; the name was in {count} texts.")
