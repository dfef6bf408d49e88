"""The example shop with the portal in it, and people of the shop who are signed in."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop"
sys.path.insert(0, str(SHOP))

import shop  # noqa: E402
from shop.models import db as shop_db  # noqa: E402
from shop.setup import fill  # noqa: E402


def emptied(engine):
    """Drop whatever is in a database."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
            connection.commit()
            return
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        for name in inspect(connection).get_table_names():
            connection.execute(text(f'DROP TABLE "{name}"'))
        connection.commit()


@pytest.fixture
def shop_url(database_url, tmp_path):
    return database_url if database_url.startswith("postgresql") else f"sqlite:///{tmp_path / 'shop.sqlite'}"


@pytest.fixture
def make_shop(shop_url):
    """Make the shop, on an empty database unless another shop of this test is on it already."""
    made = []

    def make(**config):
        settings = {"TESTING": True, "WTF_CSRF_ENABLED": False, "SQLALCHEMY_DATABASE_URI": shop_url}
        app = shop.create_app({**settings, **config})
        with app.app_context():
            if not made:
                emptied(shop_db.engine)
            fill()
            shop_db.session.remove()
        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            shop_db.session.remove()
            shop_db.engine.dispose()


@pytest.fixture
def app(make_shop):
    return make_shop()


@pytest.fixture
def sign_in(app):
    """`sign_in("claire")` is a browser of hers in the shop."""

    def sign_in(login, into=app):
        client = into.test_client()
        assert client.post("/login", data={"login": login, "password": "shop"}).status_code == 302
        return client

    return sign_in


def links(page):
    return re.findall(r'(?:href|src|action)="(/[^"]*)"', page.get_data(as_text=True))
