"""Who had a task of a process may still look at it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.create_table(
        "former_owner",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("process_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "process_id"),
    )
    op.create_index(op.f("ix_former_owner_process_id"), "former_owner", ["process_id"], unique=False)
    # The history says who was ever given a task.
    sqlite = op.get_bind().dialect.name == "sqlite"
    to = "json_extract(event.detail, '$.to')" if sqlite else "event.detail ->> 'to'"
    op.execute(
        "INSERT INTO former_owner (user_id, process_id) SELECT DISTINCT user_account.id, event.process_id "
        f"FROM event JOIN user_account ON user_account.username = {to} "
        "WHERE event.task_id IS NOT NULL AND event.action IN ('assign', 'reassign')"
    )
