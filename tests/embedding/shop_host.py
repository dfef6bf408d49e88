"""Where the example shop is, and what its tests ask of a database and of a page."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import inspect, text

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop"


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


def links(page):
    return re.findall(r'(?:href|src|action)="(/[^"]*)"', page.get_data(as_text=True))
