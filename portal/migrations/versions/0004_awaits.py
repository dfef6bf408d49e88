"""The scope of a join has room where a token of before has: it is the beginning of one."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    if op.get_bind().dialect.name == "postgresql":  # SQLite stores a text however long it is
        op.alter_column("task", "awaits", existing_type=sa.String(255), type_=sa.String(1000))
