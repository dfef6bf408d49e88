"""What workers claim is read in order, however much falls due at one moment."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: the rows of each index, None for all of them
ORDERED = {
    ("task", "scheduled"): sa.text("finished IS NULL"),
    ("task", "remind"): sa.text("finished IS NULL AND remind IS NOT NULL"),
    ("outgoing", "scheduled"): sa.text("scheduled IS NOT NULL"),
    ("delivery", "scheduled"): None,
}
AT_WORK = sa.text("status = 'STARTED' AND lease IS NOT NULL")


def upgrade():
    for (table, moment), where in ORDERED.items():
        name = f"ix_{table}_{moment}"
        op.drop_index(name, table_name=table)
        op.create_index(name, table, [moment, "id"], sqlite_where=where, postgresql_where=where)
    op.create_index("ix_task_lease", "task", ["lease"], sqlite_where=AT_WORK, postgresql_where=AT_WORK)
