"""`portal retention`: what becomes of processes that are over."""

from __future__ import annotations

import click
from flask.cli import AppGroup

retention = AppGroup("retention", help="Processes that have been over for long.")


@retention.command("run")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
def run(dry_run: bool) -> None:
    """Archive, anonymise or delete what the rules of the flows say."""
    from portal.administration import retention as administration
    from portal.models import db

    done = administration.run(db.session(), None, dry=dry_run)
    if not done:
        click.echo("No flow has a rule of retention.")
    for each in done:
        would = "would " if dry_run else ""
        click.echo(
            f"{each.label}: {would}{each.rule.then} {each.count} processes that were "
            f"{' or '.join(sorted(each.rule.outcome))} more than {each.rule.after.days} days ago"
            + (f"; {each.held} on legal hold" if each.held else "")
        )
        if each.first and dry_run:
            click.echo(f"  such as {', '.join(map(str, each.first))}")
        for place in each.files:
            click.echo(f"  {place}")
        for line in each.refused:
            click.echo(f"  refused: {line}", err=True)
