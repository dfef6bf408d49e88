"""An empty database for each test."""

from __future__ import annotations

from sqlalchemy import Table, inspect, text
from sqlalchemy.exc import IntegrityError

from portal.models import Process, db, init_db, schema_fault
from portal.models.schema import ours

#: the tables that this run has made, by the URL of their database
_made: dict[str, dict[str, Table]] = {}


def empty_database() -> None:
    """Empty the database that all tests share, and make the schema.

    What this run has made itself is only emptied: to drop and make tables takes PostgreSQL a hundred times as long.
    """
    url = str(db.engine.url)
    if not _is_as_made(_made.pop(url, {})) or not _delete_all():
        _drop_all()
    init_db()
    _made[url] = dict(db.metadata.tables)


def _is_as_made(made: dict[str, Table]) -> bool:
    """Whether the tables of the database are those that are declared now."""
    if not made or any(db.metadata.tables.get(name) is not table for name, table in made.items()):
        return False
    fault = schema_fault(db.session())
    db.session.remove()
    return fault is None


def _delete_all() -> bool:
    """False if rows hold each other: two tables of a flow's own may point at each other."""
    try:
        with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.execute(Process.__table__.update().values(parent_task_id=None))
            made = ours()
            for table in reversed(db.metadata.sorted_tables):
                if table.name in made:
                    connection.execute(table.delete())
            if connection.dialect.name == "postgresql":  # SQLite counts on from what is there
                connection.execute(
                    text(
                        "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S' "
                        "AND relnamespace = current_schema()::regnamespace"
                    )
                )
    except IntegrityError:
        return False
    return True


def _drop_all() -> None:
    """Drop all tables that are there, whoever made them: tables point at each other, and no order would do."""
    with db.engine.connect() as connection:
        sqlite = db.engine.dialect.name == "sqlite"
        if sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        for name in inspect(connection).get_table_names():
            connection.execute(text(f'DROP TABLE "{name}"{"" if sqlite else " CASCADE"}'))
        connection.commit()
        if sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys=ON")
