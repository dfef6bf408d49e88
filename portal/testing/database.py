"""An empty database for each test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Executable, Table, exists, inspect, literal_column, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal.models import Process, db, init_db
from portal.models.schema import VERSION, ours


@dataclass(frozen=True)
class _Made:
    """What this run has made in a database."""

    #: every table that was declared then, by name
    declared: dict[str, Table]
    #: those of them that are there; one that points at another comes before it
    tables: list[Table]
    #: what the database's catalogue said of them, to see that nobody has changed them since
    catalogue: list[Any]
    #: which of the tables have rows, in their order
    filled: Executable


#: by the URL of the database
_made: dict[str, _Made] = {}

#: all columns of all tables
_CATALOGUE = {
    "sqlite": "SELECT name, sql FROM sqlite_master ORDER BY name",
    "postgresql": """
        SELECT md5(string_agg(
            concat_ws(':', attrelid, attname, atttypid, attnotnull), ',' ORDER BY attrelid, attnum
        ))
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE attnum > 0 AND relkind = 'r' AND relnamespace = current_schema()::regnamespace
    """,
}
_RESTART_SEQUENCES = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false) FROM pg_sequences
    WHERE schemaname = current_schema() AND last_value IS NOT NULL
"""


def empty_database() -> None:
    """Empty the database that all tests share, and make the schema.

    What this run has made itself is only emptied: to drop and make tables takes PostgreSQL a hundred times as long. Of
    the tables, those without a row are left alone: a test uses few of the many.
    """
    url = str(db.engine.url)
    made = _made.pop(url, None)
    declared = dict(db.metadata.tables)
    if made is None or not _is_as_made(made, declared) or not _delete_all(made):
        _drop_all()
    elif made.declared == declared:
        _made[url] = made
        return
    init_db()
    wanted = ours()
    with db.engine.connect() as connection:
        there = [each for each in reversed(db.metadata.sorted_tables) if each.name in wanted]
        filled = select(*(exists(literal_column("1")).select_from(each) for each in there))
        _made[url] = _Made(declared, there, _catalogue(connection), filled)


def _is_as_made(made: _Made, declared: dict[str, Table]) -> bool:
    """Whether the tables of the database are those that are declared now; new ones may have come."""
    if any(declared.get(name) is not table for name, table in made.declared.items()):
        return False
    with db.engine.connect() as connection:
        return _catalogue(connection) == made.catalogue


def _catalogue(connection: Connection) -> list[Any]:
    columns = connection.execute(text(_CATALOGUE[connection.dialect.name])).all()
    try:
        return [*columns, *connection.execute(text(f"SELECT version_num FROM {VERSION}")).all()]
    except DBAPIError:  # the table is gone: not as it was made
        return []


def _delete_all(made: _Made) -> bool:
    """False if rows hold each other: two tables of a flow's own may point at each other."""
    try:
        with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
            filled = connection.execute(made.filled).one()
            if any(filled):
                connection.execute(Process.__table__.update().values(parent_task_id=None))
            for table, has_rows in zip(made.tables, filled, strict=True):
                if has_rows:
                    connection.execute(table.delete())
            if connection.dialect.name == "postgresql":  # SQLite counts on from what is there
                connection.execute(text(_RESTART_SEQUENCES))
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
