"""The command that makes the shop's database, with a few people and orders."""

from __future__ import annotations

from decimal import Decimal

import click
from flask.cli import with_appcontext
from werkzeug.security import generate_password_hash

from portal.models import init_db, roles_named

from .models import Order, Role, User, db

PASSWORD = "shop"
#: what the shop's roles may do in the portal
PERMISSIONS = {"clerks": ["refund.can_start"], "managers": ["refund.can_approve", "refund.manage"]}
PEOPLE = {"claire": ("Claire Clerk", "clerks"), "max": ("Max Manager", "managers")}


def fill() -> None:
    """Make the tables and what is in them. The portal's come first: a table of the shop points at one of them."""
    init_db()
    db.create_all()
    if db.session.get(User, 1) is not None:
        return
    for known in roles_named(db.session(), PERMISSIONS):
        known.permissions = PERMISSIONS[known.name]
    roles = {name: Role(name=name) for name in PERMISSIONS}
    for login, (name, role) in PEOPLE.items():
        hashed = generate_password_hash(PASSWORD, "scrypt:1024:8:1")
        mail = f"{login}@shop.example"
        db.session.add(User(login=login, name=name, mail=mail, password=hashed, roles=[roles[role]]))
    db.session.add_all(
        [
            Order(number="A-100", customer="Ada", total=Decimal("40.00")),
            Order(number="A-101", customer="Ben", total=Decimal("99.50")),
        ]
    )
    db.session.commit()


@click.command("setup")
@with_appcontext
def setup() -> None:
    """Make the database, and people to look around with."""
    fill()
    click.echo(f"Sign in as {' or '.join(PEOPLE)} (password {PASSWORD}).")
