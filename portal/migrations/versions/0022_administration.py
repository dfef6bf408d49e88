"""People have a last sign-in and a key to sort by, and can be erased; the audit; retention and legal hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from portal import usernames

revision = "0022"
down_revision = "0015"

BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("portal_user") as people:
        people.add_column(sa.Column("name_key", sa.String(200), nullable=False, server_default=""))
        people.add_column(sa.Column("last_sign_in", sa.DateTime(timezone=True), nullable=True))
        people.add_column(sa.Column("erased", sa.DateTime(timezone=True), nullable=True))
    _fill_in()
    op.create_index("ix_portal_user_name_key", "portal_user", ["name_key", "id"])
    op.create_table(
        "portal_audit",
        sa.Column("id", BIG_ID, primary_key=True, autoincrement=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", BIG_ID, nullable=True),
        sa.Column("action", sa.String(30), nullable=False),
        sa.Column("subject", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.String(200), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_portal_audit_created", "portal_audit", ["created"])
    op.create_index("ix_portal_audit_user", "portal_audit", ["user_id", "id"])
    op.create_index("ix_portal_audit_action", "portal_audit", ["action", "id"])
    op.create_index("ix_portal_audit_subject", "portal_audit", ["subject", "subject_id", "id"])
    op.create_table(
        "portal_audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", BIG_ID, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "portal_legal_hold",
        sa.Column(
            "process_id", BIG_ID, sa.ForeignKey("portal_process.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", BIG_ID, sa.ForeignKey("portal_user.id", ondelete="SET NULL"), nullable=True),
        sa.Column("reason", sa.String(500), nullable=False),
    )
    op.create_table(
        "portal_anonymised",
        sa.Column(
            "process_id", BIG_ID, sa.ForeignKey("portal_process.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    over = sa.text("finished IS NOT NULL AND parent_task_id IS NULL")
    op.create_index(
        "ix_portal_process_over", "portal_process", ["flow_label", "finished", "id"],
        sqlite_where=over, postgresql_where=over,
    )  # fmt: skip


def _fill_in() -> None:
    """The key of each name, and the last sign-in as far as a session of it is still there."""
    connection = op.get_bind()
    person = sa.table(
        "portal_user", sa.column("id"), sa.column("username"), sa.column("full_name"), sa.column("name_key"),
        sa.column("last_sign_in"),
    )  # fmt: skip
    session = sa.table("portal_user_session", sa.column("user_id"), sa.column("created"))
    for number, username, full_name in connection.execute(
        sa.select(person.c.id, person.c.username, person.c.full_name)
    ).all():
        key = usernames.key(full_name or username)[:200]
        connection.execute(sa.update(person).where(person.c.id == number).values(name_key=key))
    last = sa.select(sa.func.max(session.c.created)).where(session.c.user_id == person.c.id).scalar_subquery()
    connection.execute(sa.update(person).values(last_sign_in=last))


def downgrade() -> None:
    op.drop_index("ix_portal_process_over", "portal_process")
    for name in ("portal_anonymised", "portal_legal_hold", "portal_audit_head", "portal_audit"):
        op.drop_table(name)
    op.drop_index("ix_portal_user_name_key", "portal_user")
    with op.batch_alter_table("portal_user") as people:
        for name in ("erased", "last_sign_in", "name_key"):
            people.drop_column(name)
