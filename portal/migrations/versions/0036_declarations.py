"""What each version of a flow looked like is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "portal_declaration",
        sa.Column("flow_label", sa.String(150), primary_key=True),
        sa.Column("fingerprint", sa.String(16), primary_key=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("portal_declaration")
