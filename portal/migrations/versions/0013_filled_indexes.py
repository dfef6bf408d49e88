"""Indexes of columns that are mostly empty hold the rows alone that have a value: each new row writes fewer of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0018"

#: by the index: its table, its columns, and what else its rows have
INDEXES = {
    "ix_portal_task_inbox": ("portal_task", ["owner_id", "due", "priority", "id"], "finished IS NULL"),
    "ix_portal_task_scheduled": ("portal_task", ["scheduled", "id"], "finished IS NULL"),
    "ix_portal_task_awaits": ("portal_task", ["awaits", "scheduled"], "finished IS NULL"),
    "ix_portal_task_external_task_id": ("portal_task", ["external_task_id"], None),
    "ix_portal_task_archive": ("portal_task", ["owner_id", "finished", "id"], None),
    "ix_portal_process_creator": ("portal_process", ["created_by_id", "id"], None),
    "ix_portal_process_root_id": ("portal_process", ["root_id"], None),
}


def upgrade() -> None:
    for name, (table, columns, where) in INDEXES.items():
        filled = f"{columns[0]} IS NOT NULL"
        _replace(name, table, columns, filled if where is None else f"{where} AND {filled}")


def downgrade() -> None:
    for name, (table, columns, where) in INDEXES.items():
        _replace(name, table, columns, where)


def _replace(name: str, table: str, columns: list[str], where: str | None) -> None:
    op.drop_index(name, table)
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
