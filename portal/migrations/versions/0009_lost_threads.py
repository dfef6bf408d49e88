"""A worker says how many of its threads are held by jobs that were given up."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("worker", sa.Column("lost", sa.Integer(), server_default="0", nullable=False))
