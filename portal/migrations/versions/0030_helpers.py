"""Helpers of a task; who stood in for whom is found without reading every task."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0027"

BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_STOOD_IN = sa.text("acting_for_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "portal_helper",
        sa.Column("task_id", BIG_ID, sa.ForeignKey("portal_task.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("user_id", BIG_ID, sa.ForeignKey("portal_user.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_portal_helper_user", "portal_helper", ["user_id", "task_id"])
    op.create_index(
        "ix_portal_task_acting_for", "portal_task", ["acting_for_id", "finished"],
        sqlite_where=_STOOD_IN, postgresql_where=_STOOD_IN,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_portal_task_acting_for", "portal_task")
    op.drop_table("portal_helper")
