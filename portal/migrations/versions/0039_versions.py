"""Processes are found by the declaration by which they were started: an index of their first tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0036"


def upgrade() -> None:
    first = sa.text("number = 1")
    op.create_index(
        "ix_portal_task_version",
        "portal_task",
        ["fingerprint", "process_id"],
        sqlite_where=first,
        postgresql_where=first,
    )


def downgrade() -> None:
    op.drop_index("ix_portal_task_version", "portal_task")
