"""What is open at a step, and what came within some days, is found without reading all that there is."""

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
    op.create_index("ix_portal_process_created", "portal_process", ["created", "id"])


def downgrade() -> None:
    op.drop_index("ix_portal_process_created", "portal_process")
    op.drop_index("ix_portal_task_step", "portal_task")
