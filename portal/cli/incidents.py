"""`portal incidents`: what failed, in groups, and trying it again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click
from flask.cli import AppGroup

incidents = AppGroup("incidents", help="Steps that failed and wait for people.")


@incidents.command("list")
@click.option("--flow", default="", help="Of this flow alone.")
@click.option(
    "--state", type=click.Choice(("open", "retried", "resolved")), default="open", show_default=True
)
def list_incidents(flow: str, state: str) -> None:
    """List the groups: key, number, when it failed last, flow, step and error."""
    from portal.models import db, utcnow
    from portal.queries import incidents

    after = ""
    while True:
        wanted = incidents.Wanted(None, state=state, flow=flow, after=after)
        page = incidents.groups(db.session(), wanted, utcnow())
        for row in page.rows:
            of = row.incident
            said = f"{of.error}: {of.message}" if of.message else of.error
            moment = f"{row.last:%Y-%m-%d %H:%M}"
            click.echo(f"{of.key}  {row.count:6}  {moment}  {of.flow_label}.{of.flow_task}  {said}")
        after = page.after
        if not after:
            break


@incidents.command("retry")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "whole", is_flag=True, help="Every group.")
@click.option("--user", "username", help="In whose name; the system's when it is left out.")
@click.option("--reason", default="", help="Kept in the history.")
@click.option(
    "--over", "minutes", type=click.IntRange(0, 10_080), default=0, help="Spread over so many minutes."
)
@click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Do it here, or leave it to the workers."
)
def retry(
    keys: tuple[str, ...], whole: bool, username: str | None, reason: str, minutes: int, wait: bool
) -> None:
    """Retry what failed in these groups, as `list` names them; the beginning of a key is enough."""
    from portal.models import db, find_user

    user = None if username is None else find_user(db.session(), username)
    if username is not None and user is None:
        raise click.ClickException(f"there is no user {username!r}")
    if whole == bool(keys):
        raise click.ClickException("name the incidents to retry, or say --all")
    for key in _open_keys() if whole else [_whole(key) for key in keys]:
        _begin(key, user, reason, dt.timedelta(minutes=minutes), wait)


def _open_keys() -> list[str]:
    from portal.models import IncidentTask, db

    open_ones = db.select(IncidentTask.incident_key).where(IncidentTask.closed.is_(None)).distinct()
    return list(db.session.scalars(open_ones.order_by(IncidentTask.incident_key)))


def _whole(key: str) -> str:
    from portal.models import Incident, db

    begins = db.select(Incident.key).where(Incident.key.startswith(key, autoescape=True))
    found: list[str] = list(db.session.scalars(begins.limit(2)))
    if len(found) != 1:
        raise click.ClickException(
            f"{'no incident' if not found else 'more than one incident'} begins with {key!r}"
        )
    return found[0]


def _begin(key: str, user: Any, reason: str, over: dt.timedelta, wait: bool) -> None:
    from portal.engine import operations
    from portal.models import OperationRefusal, db, utcnow
    from portal.queries import incidents
    from portal.work import operations as work

    session = db.session()
    group = incidents.group(session, key, "open", utcnow())
    if group is None:
        raise click.ClickException(f"nothing of the incident {key} is failed any more")
    number, scope = group.count, operations.Scope("incident", key)
    operation_id = operations.begin(
        session, user, "retry", "task", scope, total=number, reason=reason, over=over
    )
    if not wait:
        click.echo(f"{key}  operation {operation_id}: {number} to retry")
        return
    done = work.run(session, operation_id)
    click.echo(f"{key}  {done.done} retried, {done.refused} refused")
    lines = db.select(OperationRefusal.words).where(OperationRefusal.operation_id == operation_id)
    for line in session.scalars(lines.order_by(OperationRefusal.target_id)):
        click.echo(f"refused: {line}")
