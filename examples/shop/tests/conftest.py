"""The portal's tester drives the flows in the shop itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from shop import create_app
from shop.models import db
from shop.setup import fill


@pytest.fixture
def portal_app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app({"TESTING": True, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'shop.sqlite'}"})
    with app.app_context():
        fill()
        yield app
        db.session.remove()
        db.engine.dispose()
