"""A web shop with pages, people and data of its own. The portal is a guest in it, below /work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_login import LoginManager, current_user
from flask_wtf import CSRFProtect

from portal import Identity, Portal

from .models import User, db
from .pages import not_found, pages
from .setup import setup

login_manager = LoginManager()
login_manager.login_view = "shop.login"


@login_manager.user_loader
def load(number: str) -> User | None:
    return db.session.get(User, int(number))


def who() -> Identity | None:
    """Who makes this request, in the words of the portal."""
    if not current_user.is_authenticated:
        return None
    user: User = current_user
    return Identity(user.login, name=user.name, email=user.mail, roles=[role.name for role in user.roles])


def note_seen() -> None:
    """Changes that the shop makes ahead of a page are saved with it, also where the page is the portal's."""
    if current_user.is_authenticated:
        current_user.last_seen = dt.datetime.now(dt.UTC)


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="not a secret: this is an example",
        SQLALCHEMY_DATABASE_URI="sqlite:///shop.sqlite",
        SESSION_COOKIE_NAME="shop",
    )
    app.config.from_prefixed_env("SHOP")
    app.config.update(config or {})
    db.init_app(app)
    login_manager.init_app(app)
    CSRFProtect(app)
    app.before_request(note_seen)
    app.register_blueprint(pages)
    app.register_error_handler(404, not_found)
    app.cli.add_command(setup)
    Portal(app, url_prefix="/work", flows=["shop.flows"], db=db, identity=who, config={"LOGIN_URL": "/login"})
    return app
