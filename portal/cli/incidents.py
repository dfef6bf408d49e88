"""`portal incidents`: what failed, in groups, and trying it again."""

from __future__ import annotations

import datetime as dt

import click
from flask.cli import AppGroup

from .refusals import refusing

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
@click.argument("key")
@click.option("--user", "username", required=True, help="In whose name: a manager of the flow.")
@click.option("--reason", default="", help="Kept in the history.")
@click.option(
    "--over", "minutes", type=click.IntRange(0, 10_080), default=0, help="Spread over so many minutes."
)
@click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Do it here, or leave it to the workers."
)
def retry(key: str, username: str, reason: str, minutes: int, wait: bool) -> None:
    """Retry what failed in a group, as `list` names it; the beginning of its key is enough."""
    from portal.engine import operations
    from portal.models import Incident, OperationRefusal, db, find_user, utcnow
    from portal.queries import incidents
    from portal.work import operations as work

    session = db.session()
    user = find_user(session, username)
    if user is None:
        raise click.ClickException(f"there is no user {username!r}")
    keys = list(
        session.scalars(db.select(Incident.key).where(Incident.key.startswith(key, autoescape=True)).limit(2))
    )
    if len(keys) != 1:
        raise click.ClickException(
            f"{'no incident' if not keys else 'more than one incident'} begins with {key!r}"
        )
    group = incidents.group(session, keys[0], "open", utcnow())
    if group is None:
        raise click.ClickException("nothing of this incident is failed any more")
    label, number = group.incident.flow_label, group.count
    if not user.manages(label):
        raise click.ClickException(f"{username} does not manage {label}")
    scope = operations.Scope("incident", keys[0])
    over = dt.timedelta(minutes=minutes)
    operation_id = refusing(
        lambda: operations.begin(
            session, user, "retry", "task", scope, total=number, reason=reason, over=over
        )
    )
    if not wait:
        click.echo(f"operation {operation_id}: {number} to retry")
        return
    done = work.run(session, operation_id)
    click.echo(f"{done.done} retried, {done.refused} refused")
    lines = db.select(OperationRefusal.words).where(OperationRefusal.operation_id == operation_id)
    for line in session.scalars(lines.order_by(OperationRefusal.target_id)):
        click.echo(f"refused: {line}")
