"""A task can be snoozed, and what a bulk action changed can be put back for some minutes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0020"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("portal_task", sa.Column("snoozed_until", sa.DateTime(timezone=True)))
    op.create_table(
        "portal_bulk_undo",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("user_id", _ID, sa.ForeignKey("portal_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("changes", sa.JSON, nullable=False),
    )
    op.create_index("ix_portal_bulk_undo_created", "portal_bulk_undo", ["created"])


def downgrade() -> None:
    op.drop_index("ix_portal_bulk_undo_created", "portal_bulk_undo")
    op.drop_table("portal_bulk_undo")
    op.drop_column("portal_task", "snoozed_until")
