"""Reports are read from counts of each day, which workers keep up to date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0021"

BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _daily() -> list[sa.Column]:
    return [
        sa.Column("flow_label", sa.String(150), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("version", sa.String(16), primary_key=True),
    ]


def _counts(*names: str, kind: type = sa.Integer) -> list[sa.Column]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "portal_report_cursor",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        *_counts("event_id", "settled_id", "fence", kind=sa.BigInteger),
        sa.Column("timezone", sa.String(64), nullable=False),
    )
    op.create_table(
        "portal_daily_flow",
        *_daily(),
        *_counts("started", "finished", "cancelled", "failed", "reopened"),
    )
    op.create_table(
        "portal_daily_step",
        *_daily(),
        sa.Column("step", sa.String(150), primary_key=True),
        *_counts("entered", "left", "done", "cancelled", "failed", "late", "rework"),
        *_counts("waiting", "working", kind=sa.BigInteger),
    )
    op.create_table(
        "portal_daily_person",
        *_daily(),
        sa.Column("user_id", BIG_ID, sa.ForeignKey("portal_user.id", ondelete="CASCADE"), primary_key=True),
        *_counts("done", "late"),
        *_counts("working", kind=sa.BigInteger),
    )
    op.create_table(
        "portal_daily_duration",
        *_daily(),
        sa.Column("kind", sa.String(5), primary_key=True),
        sa.Column("name", sa.String(150), primary_key=True),
        sa.Column("bucket", sa.Integer, primary_key=True, autoincrement=False),
        *_counts("number"),
    )
    op.create_table(
        "portal_report_path",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.Column("ending", sa.String(12), nullable=False),
    )


def downgrade() -> None:
    for name in (
        "report_path",
        "daily_duration",
        "daily_person",
        "daily_step",
        "daily_flow",
        "report_cursor",
    ):
        op.drop_table(f"portal_{name}")
