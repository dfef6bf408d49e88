"""What needs attention is found without reading what is over, and called processes by an index of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    _replace("ix_process_unfinished", ["flow_label", "id", "status"], sa.text("finished IS NULL"))
    _replace("ix_process_parent_task_id", ["parent_task_id"], sa.text("parent_task_id IS NOT NULL"))


def downgrade() -> None:
    _replace("ix_process_unfinished", ["flow_label", "id"], sa.text("finished IS NULL"))
    _replace("ix_process_parent_task_id", ["parent_task_id"], None)


def _replace(name: str, columns: list[str], where: sa.TextClause | None) -> None:
    op.drop_index(name, "process")
    op.create_index(name, "process", columns, sqlite_where=where, postgresql_where=where)
