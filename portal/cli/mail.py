"""`portal mail`: mail that comes in, from a pipe of the mail server or a mailbox."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from .refusals import words_of


@contextmanager
def _extra() -> Iterator[None]:
    """What is not installed is told by the name of the extra that has it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error}: install the extra `mail`, 'flask-flow-portal[mail]'") from error


mail = AppGroup("mail", help="Mail that comes in.")

#: exit codes that mail servers know (sysexits.h): refused for good, and come again
REFUSED, AGAIN = 65, 75


@mail.command("ingest")
@click.option("--to", "addresses", multiple=True, help="Where it was delivered to; else as its headers say.")
def ingest(addresses: tuple[str, ...]) -> None:
    """Take in one mail (RFC 5322) from the standard input.

    It starts a process, is a message for one, or answers a notice. Exit 65 says why on the standard error, for the
    server to tell the sender; 75 asks it to come again.
    """
    from portal.errors import TransientError, Uncertain

    with _extra():
        from portal.incoming.ingest import Refused
        from portal.incoming.ingest import ingest as take_in

    raw = sys.stdin.buffer.read()
    try:
        outcome = take_in(raw, addresses)
    except Refused as refused:
        click.echo(str(refused), err=True)
        sys.exit(REFUSED)
    except (TransientError, Uncertain, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(AGAIN)
    except SQLAlchemyError as error:  # it is away, or lacks the schema: the mail is not to blame
        click.echo(f"the database cannot be used: {words_of(error)}", err=True)
        sys.exit(AGAIN)
    click.echo(outcome.what if outcome.process is None else f"{outcome.what} {outcome.process}")


@mail.command("poll")
@click.option("--every", type=click.IntRange(5), help="Seconds between two looks, for ever; once without it.")
def poll(every: int | None) -> None:
    """Take in what is new in the mailbox that PORTAL_MAIL_IMAP_SERVER and the like name, and print the number."""
    import time

    with _extra():
        from portal.incoming.imap import poll as look

    try:
        click.echo(look())
        while every:
            time.sleep(every)
            if found := look():
                click.echo(found)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
