"""`portal tokens`: API tokens, also those of service accounts, which never sign in."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from .people import writing


@click.group()
def tokens() -> None:
    """Tokens of programs."""


@tokens.command("create")
@click.argument("username")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--scope", "scopes", multiple=True, required=True, help="May be repeated.")
@click.option("--days", default=90, show_default=True, help="Until it expires.")
@click.option("--service", is_flag=True, help="Make the account when it is absent: one that cannot sign in.")
@with_appcontext
def create(username: str, name: str, scopes: tuple[str, ...], days: int, service: bool) -> None:
    """Make a token, and print it alone on a line: it cannot be read again."""
    from portal.administration import tokens as administration
    from portal.errors import PortalError
    from portal.models import create_user, db, find_user

    if find_user(db.session(), username) is None and service:
        create_user(username)
    with writing() as session:
        user = find_user(session, username)
        if user is None:
            raise PortalError(f"there is no user {username!r}; --service makes an account for programs")
        _, secret = administration.make(session, user, name, scopes, days, None)
    click.echo(secret)


@tokens.command("list")
@click.argument("username", required=False)
@with_appcontext
def list_(username: str | None) -> None:
    """List the tokens that are good now."""
    from sqlalchemy import select
    from sqlalchemy.orm import contains_eager

    from portal.models import Token, User, db, utcnow

    query = select(Token).join(Token.user).options(contains_eager(Token.user))
    query = query.where(Token.revoked.is_(None), Token.expires > utcnow()).order_by(Token.id)
    if username is not None:
        query = query.where(User.username == username)
    for token in db.session.scalars(query):
        used = f"used {token.seen:%Y-%m-%d %H:%M}" if token.seen else "never used"
        click.echo(
            f"{token.id}  {token.user.username}  {token.name}  {token.start}…  {' '.join(token.scopes)}  "
            f"expires {token.expires:%Y-%m-%d}  {used}"
        )


@tokens.command("revoke")
@click.argument("number", type=int)
@with_appcontext
def revoke(number: int) -> None:
    """Revoke a token, by its number in the list."""
    from portal.administration import tokens as administration
    from portal.errors import PortalError

    with writing() as session:
        if administration.revoke(session, number, None) is None:
            raise PortalError(f"there is no token {number} that is good")
    click.echo(f"Token {number} is revoked.")
