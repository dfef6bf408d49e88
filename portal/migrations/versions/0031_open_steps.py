"""What is open at a step is found without reading what is open elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0028"

_OPEN = sa.text("finished IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_portal_task_step", "portal_task", ["flow_task", "due", sa.text("priority DESC"), "id"],
        sqlite_where=_OPEN, postgresql_where=_OPEN,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_portal_task_step", "portal_task")
