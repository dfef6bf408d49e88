"""Programs hold tokens, and may ask for an answer again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0023"

BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "portal_token",
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("user_id", BIG_ID, sa.ForeignKey("portal_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("start", sa.String(16), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.Column("revoked", MOMENT, nullable=True),
        sa.Column("seen", MOMENT, nullable=True),
        sa.Column("uses", sa.Integer, nullable=False),
    )
    op.create_index("ix_portal_token_user_id", "portal_token", ["user_id"])
    op.create_table(
        "portal_idempotency",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("user_id", BIG_ID, sa.ForeignKey("portal_user.id", ondelete="CASCADE"), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("status", sa.Integer, nullable=True),
        sa.Column("headers", sa.JSON, nullable=True),
        sa.Column("body", sa.Text, nullable=True),
    )
    op.create_index("ix_portal_idempotency_user_id", "portal_idempotency", ["user_id"])
    op.create_index("ix_portal_idempotency_created", "portal_idempotency", ["created"])


def downgrade() -> None:
    op.drop_table("portal_idempotency")
    op.drop_table("portal_token")
