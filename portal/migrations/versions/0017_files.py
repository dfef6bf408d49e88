"""Files are kept in a storage, and what is known of them in a table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "portal_file",
        sa.Column("id", sa.String(48), nullable=False),
        sa.Column("process_id", _KEY),
        sa.Column("task_id", _KEY),
        sa.Column("field", sa.String(255)),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("type", sa.String(150), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", _KEY),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["process_id"], ["portal_process.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["task_id"], ["portal_task.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["portal_user.id"], ondelete="SET NULL"),
    )
    for name in ("process_id", "task_id", "user_id"):
        op.create_index(f"ix_portal_file_{name}", "portal_file", [name])
    loose = sa.text("process_id IS NULL")
    op.create_index(
        "ix_portal_file_loose", "portal_file", ["created"], sqlite_where=loose, postgresql_where=loose
    )


def downgrade() -> None:
    op.drop_table("portal_file")
