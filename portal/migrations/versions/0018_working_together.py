"""Comments, followers, notices and the daily mail of them; absences and substitutes; addresses of calendars."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _absences()
    _comments()
    _notices()


def _absences() -> None:
    op.create_table(
        "portal_absence",
        sa.Column("id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("substitute_id", BigId, nullable=True),
        sa.Column("begins", MOMENT, nullable=False),
        sa.Column("ends", MOMENT, nullable=False),
        sa.Column("flows", sa.JSON(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("created_by_id", BigId, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["portal_user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["substitute_id"], ["portal_user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["created_by_id"], ["portal_user.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_portal_absence_user", "portal_absence", ["user_id", "ends"])
    op.create_index("ix_portal_absence_substitute", "portal_absence", ["substitute_id", "ends"])
    op.add_column("portal_process", sa.Column("followed", sa.Boolean, nullable=True))
    with op.batch_alter_table("portal_task") as task:
        task.add_column(sa.Column("acting_for_id", BigId, nullable=True))
        task.create_foreign_key("fk_portal_task_acting_for", "portal_user", ["acting_for_id"], ["id"])


def _comments() -> None:
    op.create_table(
        "portal_comment",
        sa.Column("id", BigId, nullable=False),
        sa.Column("process_id", BigId, nullable=False),
        sa.Column("task_id", BigId, nullable=True),
        sa.Column("author_id", BigId, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("named", sa.JSON(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("edited", MOMENT, nullable=True),
        sa.Column("removed", MOMENT, nullable=True),
        sa.Column("removed_by_id", BigId, nullable=True),
        sa.ForeignKeyConstraint(["process_id"], ["portal_process.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["task_id"], ["portal_task.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["author_id"], ["portal_user.id"]),
        sa.ForeignKeyConstraint(["removed_by_id"], ["portal_user.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_portal_comment_process", "portal_comment", ["process_id", "id"])
    op.create_index(op.f("ix_portal_comment_task_id"), "portal_comment", ["task_id"])
    op.create_table(
        "portal_follower",
        sa.Column("process_id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("follows", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["process_id"], ["portal_process.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["portal_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("process_id", "user_id"),
    )
    op.create_index(op.f("ix_portal_follower_user_id"), "portal_follower", ["user_id"])


def _notices() -> None:
    op.create_table(
        "portal_notice",
        sa.Column("id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("event", sa.String(length=10), nullable=False),
        sa.Column("process_id", BigId, nullable=True),
        sa.Column("task_id", BigId, nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("read", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["portal_user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["process_id"], ["portal_process.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["task_id"], ["portal_task.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(op.f("ix_portal_notice_created"), "portal_notice", ["created"])
    op.create_index("ix_portal_notice_user", "portal_notice", ["user_id", "id"])
    op.create_index("ix_portal_notice_process", "portal_notice", ["process_id"])
    op.create_index("ix_portal_notice_task", "portal_notice", ["task_id"])
    for name, columns, where in (
        ("ix_portal_notice_unread", ["user_id"], sa.text("shown AND read IS NULL")),
        ("ix_portal_notice_digest", ["user_id", "id"], sa.text("digest")),
    ):
        op.create_index(name, "portal_notice", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "portal_digest",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("due", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["portal_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_index(op.f("ix_portal_digest_due"), "portal_digest", ["due"])
    op.create_table(
        "portal_calendar_feed",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["portal_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
        sa.UniqueConstraint("token_hash"),
    )
    with op.batch_alter_table("portal_outgoing") as outgoing:
        outgoing.alter_column("process_id", existing_type=BigId, nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM portal_outgoing WHERE process_id IS NULL")
    with op.batch_alter_table("portal_outgoing") as outgoing:
        outgoing.alter_column("process_id", existing_type=BigId, nullable=False)
    with op.batch_alter_table("portal_task") as task:
        task.drop_constraint("fk_portal_task_acting_for", type_="foreignkey")
        task.drop_column("acting_for_id")
    op.drop_column("portal_process", "followed")
    for table in (
        "portal_calendar_feed", "portal_digest", "portal_notice", "portal_follower", "portal_comment", "portal_absence",
    ):  # fmt: skip
        op.drop_table(table)
