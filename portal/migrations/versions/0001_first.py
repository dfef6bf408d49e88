"""The tables as they were made before there were revisions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Document = sa.JSON().with_variant(JSONB(), "postgresql")
OPEN = sa.text("finished IS NULL")


def upgrade():
    op.create_table(
        "role",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "schedule",
        sa.Column("id", BigId, nullable=False),
        sa.Column("flow_label", sa.String(length=150), nullable=False),
        sa.Column("node", sa.String(length=150), nullable=False),
        sa.Column("next_start", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("flow_label", "node", name="uq_schedule_node"),
    )
    op.create_table(
        "user_account",
        sa.Column("id", BigId, nullable=False),
        sa.Column("username", sa.String(length=150), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("session_key", sa.String(length=32), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_superuser", sa.Boolean(), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("preferences", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("username"),
    )
    op.create_table(
        "process",
        sa.Column("id", BigId, nullable=False),
        sa.Column("flow_label", sa.String(length=150), nullable=False),
        sa.Column("process_type", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished", sa.DateTime(timezone=True), nullable=True),
        sa.Column("data", Document, nullable=False),
        sa.Column("artifact_type", sa.String(length=255), nullable=True),
        sa.Column("artifact_key", sa.String(length=255), nullable=True),
        sa.Column("seed_type", sa.String(length=255), nullable=True),
        sa.Column("seed_key", sa.String(length=255), nullable=True),
        sa.Column("parent_task_id", BigId, nullable=True),
        sa.Column("root_id", BigId, nullable=True),
        sa.Column("created_by_id", BigId, nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("task_count", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("on_hold", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user_account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["parent_task_id"], ["task.id"], name="fk_process_parent_task", use_alter=True
        ),
        sa.ForeignKeyConstraint(
            ["root_id"],
            ["process.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_process_creator", "process", ["created_by_id", "id"], unique=False)
    op.create_index("ix_process_label_id", "process", ["flow_label", "id"], unique=False)
    op.create_index(op.f("ix_process_parent_task_id"), "process", ["parent_task_id"], unique=False)
    op.create_index(op.f("ix_process_root_id"), "process", ["root_id"], unique=False)
    op.create_index(
        "ix_process_unfinished",
        "process",
        ["flow_label", "id"],
        unique=False,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "user_role",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("role_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "role_id"),
    )
    op.create_table(
        "message",
        sa.Column("id", BigId, nullable=False),
        sa.Column("flow_label", sa.String(length=150), nullable=False),
        sa.Column("node", sa.String(length=150), nullable=False),
        sa.Column("process_id", BigId, nullable=True),
        sa.Column("fields", sa.JSON(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("flow_label", "node", "key", name="uq_message_key"),
    )
    op.create_index("ix_message_receiver", "message", ["flow_label", "node", "process_id"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", BigId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("process_id", BigId, nullable=False),
        sa.Column("flow_task", sa.String(length=150), nullable=False),
        sa.Column("flow_task_type", sa.String(length=50), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("fingerprint", sa.String(length=16), nullable=True),
        sa.Column("token", sa.String(length=1000), nullable=False),
        sa.Column("awaits", sa.String(length=255), nullable=True),
        sa.Column("owner_id", BigId, nullable=True),
        sa.Column("owner_permission", sa.String(length=150), nullable=True),
        sa.Column("owner_permission_obj", sa.String(length=100), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scheduled", sa.DateTime(timezone=True), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("data", Document, nullable=False),
        sa.Column("artifact_type", sa.String(length=255), nullable=True),
        sa.Column("artifact_key", sa.String(length=255), nullable=True),
        sa.Column("seed_type", sa.String(length=255), nullable=True),
        sa.Column("seed_key", sa.String(length=255), nullable=True),
        sa.Column("external_task_id", sa.String(length=255), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.JSON(), nullable=True),
        sa.Column("_sentinel", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["user_account.id"],
        ),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("process_id", "number", name="uq_task_number"),
    )
    op.create_index("ix_task_archive", "task", ["owner_id", "finished", "id"], unique=False)
    op.create_index(
        "ix_task_awaits", "task", ["awaits"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index(op.f("ix_task_external_task_id"), "task", ["external_task_id"], unique=False)
    op.create_index(
        "ix_task_inbox",
        "task",
        ["owner_id", "due", "priority", "id"],
        unique=False,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index(
        "ix_task_open",
        "task",
        ["process_id", "flow_task"],
        unique=False,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_task_process_node", "task", ["process_id", "flow_task"], unique=False)
    op.create_index(
        "ix_task_queue",
        "task",
        ["status", "owner_permission", "due", "priority", "id"],
        unique=False,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index(
        "ix_task_scheduled", "task", ["scheduled"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_table(
        "delivery",
        sa.Column("id", BigId, nullable=False),
        sa.Column("task_id", BigId, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_delivery_task_id"), "delivery", ["task_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", BigId, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", BigId, nullable=True),
        sa.Column("process_id", BigId, nullable=False),
        sa.Column("task_id", BigId, nullable=True),
        sa.Column("action", sa.String(length=30), nullable=False),
        sa.Column("from_state", sa.String(length=12), nullable=True),
        sa.Column("to_state", sa.String(length=12), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("_sentinel", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_event_process", "event", ["process_id", "id"], unique=False)
    op.create_index(op.f("ix_event_task_id"), "event", ["task_id"], unique=False)
    op.create_table(
        "task_link",
        sa.Column("task_id", BigId, nullable=False),
        sa.Column("previous_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["previous_id"], ["task.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "previous_id"),
    )
    op.create_index(op.f("ix_task_link_previous_id"), "task_link", ["previous_id"], unique=False)
    if op.get_context().dialect.name != "sqlite":  # which has it from the start, and cannot add it
        op.create_foreign_key("fk_process_parent_task", "process", "task", ["parent_task_id"], ["id"])
