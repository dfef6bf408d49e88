"""Signal events on the border of tasks are found by the signal's name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "portal_subscription",
        sa.Column(
            "task_id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.ForeignKey("portal_task.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("name", sa.String(200), nullable=False),
    )
    op.create_index("ix_portal_subscription_name", "portal_subscription", ["name"])


def downgrade() -> None:
    op.drop_table("portal_subscription")
