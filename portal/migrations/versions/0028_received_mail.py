"""Mail that was taken in is known by its id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0030"


def upgrade() -> None:
    op.create_table(
        "portal_received_mail",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("token", sa.String(64), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("token"),
    )
    op.create_index("ix_portal_received_mail_created", "portal_received_mail", ["created"])


def downgrade() -> None:
    op.drop_table("portal_received_mail")
