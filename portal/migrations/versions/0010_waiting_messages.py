"""Messages that wait are found without reading those that were taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    waiting = sa.text("taken IS NULL")
    op.create_index(
        "ix_message_waiting",
        "message",
        ["flow_label", "node"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def downgrade() -> None:
    op.drop_index("ix_message_waiting", "message")
