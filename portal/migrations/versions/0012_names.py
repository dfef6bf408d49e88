"""The portal's tables, and what belongs to them, say whose they are: an application around it may have a `task` too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import OperationalError

revision = "0012"
down_revision = "0011"

TABLES = {
    "user_account": "portal_user",
    **{
        name: f"portal_{name}"
        for name in (
            "role", "user_role", "process", "task", "task_link", "former_owner", "event", "delivery", "message",
            "schedule", "outgoing", "worker", "user_session", "sign_in_attempt", "draft", "parked_form", "start_key",
        )
    },
}  # fmt: skip


def upgrade() -> None:
    _rename(TABLES)


def downgrade() -> None:
    _rename({new: old for old, new in TABLES.items()})


def _rename(tables: Mapping[str, str]) -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    for old, new in tables.items():
        if sqlite:
            _rename_sqlite_constraints(old, new)
        op.rename_table(old, new)
        (_rename_sqlite_indexes if sqlite else _rename_postgresql)(old, new)


def _renamed(name: str, old: str, new: str) -> str:
    """`ix_task_open`, `uq_task_number`, `task_pkey`, `task_id_seq`: with the new name of the table in it."""
    return re.sub(rf"^((?:ix|uq|fk)_)?{old}_", rf"\g<1>{new}_", name)


def _rename_sqlite_constraints(old: str, new: str) -> None:
    """SQLite has no statement for it, but allows its text of the schema to be edited in what changes no row.

    Some systems forbid even that. The old name does no harm there: it counts within its table alone.
    """
    connection = op.get_bind()
    text = connection.scalar(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": old}
    )
    changed = re.sub(r"(?<=CONSTRAINT )\w+", lambda found: _renamed(found[0], old, new), text)
    if changed == text:
        return
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    with suppress(OperationalError):
        connection.execute(
            sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :name"),
            {"sql": changed, "name": old},
        )
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")


def _rename_sqlite_indexes(old: str, new: str) -> None:
    connection = op.get_bind()
    indexes = sa.text(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :table AND sql IS NOT NULL"
    )
    for name, sql in connection.execute(indexes, {"table": new}).all():
        renamed = _renamed(name, old, new)
        if renamed != name:
            connection.exec_driver_sql(f'DROP INDEX "{name}"')
            connection.exec_driver_sql(re.sub(rf"\b{name}\b", renamed, sql, count=1))


#: what belongs to a table of PostgreSQL: the statement that renames it, and the query of its names
PARTS = (
    (
        "ALTER TABLE {table} RENAME CONSTRAINT {name} TO {renamed}",
        "SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass)",
    ),
    (  # behind the constraints, whose indexes go with them
        "ALTER INDEX {name} RENAME TO {renamed}",
        "SELECT relname FROM pg_class JOIN pg_index ON indexrelid = oid WHERE indrelid = CAST(:table AS regclass)",
    ),
    (
        "ALTER SEQUENCE {name} RENAME TO {renamed}",
        "SELECT relname FROM pg_class JOIN pg_depend ON objid = oid "
        "WHERE relkind = 'S' AND refobjid = CAST(:table AS regclass)",
    ),
)


def _rename_postgresql(old: str, new: str) -> None:
    for statement, query in PARTS:
        for name in op.get_bind().scalars(sa.text(query), {"table": new}).all():
            renamed = _renamed(name, old, new)
            if renamed != name:
                op.execute(statement.format(table=new, name=name, renamed=renamed))
