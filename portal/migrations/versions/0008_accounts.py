"""Who chose the owner of a task."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("task", sa.Column("owner_by_rule", sa.Boolean(), nullable=False, server_default=sa.false()))
    # A rule assigns a task in the moment in which it is made; a person can only do so later.
    op.execute("UPDATE task SET owner_by_rule = true WHERE status = 'ASSIGNED' AND assigned = created")
