"""Drafts of forms are kept on the server, and a start form that is sent twice starts one process."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PERSON = "user_account.id"


def upgrade():
    op.create_table(
        "draft",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("place", sa.String(255), nullable=False),
        sa.Column("task_id", sa.BigInteger()),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("saved", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "place"),
        sa.ForeignKeyConstraint(["user_id"], [PERSON], ondelete="CASCADE"),
    )
    op.create_index("ix_draft_task_id", "draft", ["task_id"])
    op.create_index("ix_draft_saved", "draft", ["saved"])
    op.create_table(
        "parked_form",
        sa.Column("browser", sa.String(64), nullable=False),
        sa.Column("place", sa.String(255), nullable=False),
        sa.Column("task_id", sa.BigInteger()),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer, "sqlite")),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("saved", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("browser", "place"),
        sa.ForeignKeyConstraint(["user_id"], [PERSON], ondelete="CASCADE"),
    )
    op.create_index("ix_parked_form_user_id", "parked_form", ["user_id"])
    op.create_index("ix_parked_form_saved", "parked_form", ["saved"])
    op.create_table(
        "start_key",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("process_id", sa.BigInteger().with_variant(sa.Integer, "sqlite")),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key"),
        sa.ForeignKeyConstraint(["user_id"], [PERSON], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_start_key_process_id", "start_key", ["process_id"])
    op.create_index("ix_start_key_created", "start_key", ["created"])
