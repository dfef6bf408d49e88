"""Workers, mail and web hooks; what was disturbed; reminders; the trace of a task."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("finished IS NULL")
WAITING = sa.text("scheduled IS NOT NULL")
GIVEN_UP = sa.text("scheduled IS NULL AND sent IS NULL")
UNTAKEN = sa.text("taken IS NULL AND expires IS NOT NULL")
TO_REMIND = sa.text("finished IS NULL AND remind IS NOT NULL")


def upgrade():
    op.create_table(
        "worker",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_worker_seen"), "worker", ["seen"], unique=False)
    op.create_table(
        "outgoing",
        sa.Column("id", BigId, nullable=False),
        sa.Column("process_id", BigId, nullable=False),
        sa.Column("task_id", BigId, nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("event", sa.String(length=10), nullable=False),
        sa.Column("user_id", BigId, nullable=True),
        sa.Column("url", sa.String(length=2000), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scheduled", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("sent", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trace", sa.String(length=64), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(
        "ix_outgoing_given_up",
        "outgoing",
        ["id"],
        unique=False,
        sqlite_where=GIVEN_UP,
        postgresql_where=GIVEN_UP,
    )
    op.create_index(
        "ix_outgoing_process",
        "outgoing",
        ["process_id", "id"],
        unique=False,
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_index(
        "ix_outgoing_scheduled",
        "outgoing",
        ["scheduled"],
        unique=False,
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_index("ix_outgoing_sent", "outgoing", ["sent"], unique=False)
    op.add_column("delivery", sa.Column("scheduled", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE delivery SET scheduled = created")
    with op.batch_alter_table("delivery") as delivery:  # few rows: signals on their way
        delivery.alter_column("scheduled", existing_type=sa.DateTime(timezone=True), nullable=False)
    op.add_column("delivery", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_delivery_scheduled"), "delivery", ["scheduled"], unique=False)
    op.create_index(
        "ix_message_expires",
        "message",
        ["expires"],
        unique=False,
        sqlite_where=UNTAKEN,
        postgresql_where=UNTAKEN,
    )
    op.add_column("schedule", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("schedule", sa.Column("lease", sa.DateTime(timezone=True), nullable=True))
    op.add_column("task", sa.Column("trace", sa.String(length=64), nullable=True))
    op.add_column("task", sa.Column("remind", sa.DateTime(timezone=True), nullable=True))
    op.add_column("task", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.drop_index(op.f("ix_task_awaits"), table_name="task", sqlite_where=OPEN)
    op.create_index(
        "ix_task_awaits",
        "task",
        ["awaits", "scheduled"],
        unique=False,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index(
        "ix_task_remind", "task", ["remind"], unique=False, sqlite_where=TO_REMIND, postgresql_where=TO_REMIND
    )
    # People are told when a task of before gets late, but not of what is late already.
    op.execute("UPDATE task SET remind = due WHERE finished IS NULL AND due > CURRENT_TIMESTAMP")
