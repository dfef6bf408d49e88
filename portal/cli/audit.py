"""`portal audit`: whether what was kept is as it was written."""

from __future__ import annotations

import click
from flask.cli import AppGroup

audit = AppGroup("audit", help="The audit.")


@audit.command("verify")
@click.option(
    "--expect", metavar="NUMBER:HASH", help="What this command printed once: that row must be there."
)
def verify(expect: str | None) -> None:
    """Check the chain of hashes; exit with 1, and a line for each fault, where a row was changed, dropped or moved."""
    from portal.engine import audit as chain
    from portal.models import db

    kept = None
    if expect is not None:
        number, colon, hashed = expect.partition(":")
        if not (colon and number.isascii() and number.isdigit()):
            raise click.ClickException(f"--expect takes NUMBER:HASH, not {expect!r}")
        kept = int(number), hashed
    session = db.session()
    found = list(chain.faults(session, kept))
    for fault in found:
        click.echo(fault, err=True)
    if found:
        raise click.ClickException(f"the audit is not as it was written: {len(found)} faults")
    rows, last = chain.head(session)
    click.echo(f"{rows} rows are as they were written; keep {rows}:{last}")
