"""The example shop with the portal in it, and people of the shop who are signed in."""

from __future__ import annotations

import pytest
import shop
from shop.models import db as shop_db
from shop.setup import fill
from shop_host import emptied


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
