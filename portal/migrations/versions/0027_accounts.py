"""Sign-in by mail, second factors, and people whom a directory knows."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0024"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
_CHUNK = 1000


def upgrade() -> None:
    op.add_column("portal_user", sa.Column("email_key", sa.String(300)))
    op.create_index("ix_portal_user_email_key", "portal_user", ["email_key"])
    _fill()
    op.add_column("portal_user_session", sa.Column("ends", MOMENT))
    op.create_table(
        "portal_second_factor",
        sa.Column(
            "user_id",
            BigId,
            sa.ForeignKey("portal_user.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("counter", sa.BigInteger, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
    )
    op.create_table(
        "portal_recovery_code",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("user_id", BigId, sa.ForeignKey("portal_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("used", MOMENT),
    )
    op.create_index("ix_portal_recovery_code_user_id", "portal_recovery_code", ["user_id"])
    op.create_table(
        "portal_external_identity",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("user_id", BigId, sa.ForeignKey("portal_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("seen", MOMENT, nullable=False),
        sa.Column("ended", MOMENT),
        sa.UniqueConstraint("source", "subject", name="uq_portal_external_identity"),
    )
    op.create_index("ix_portal_external_identity_user_id", "portal_external_identity", ["user_id"])


def _fill() -> None:
    """Write the key by which a mail address is found; not every database knows small letters beyond ASCII."""
    user = sa.table("portal_user", sa.column("id"), sa.column("email"), sa.column("email_key"))
    connection, last = op.get_bind(), 0
    query = sa.select(user.c.id, user.c.email).where(user.c.email.is_not(None)).order_by(user.c.id)
    while rows := connection.execute(query.where(user.c.id > last).limit(_CHUNK)).all():
        for number, email in rows:
            key = unicodedata.normalize("NFC", email.strip()).lower()
            connection.execute(user.update().where(user.c.id == number).values(email_key=key))
        last = rows[-1][0]


def downgrade() -> None:
    for name in ("external_identity", "recovery_code", "second_factor"):
        op.drop_table(f"portal_{name}")
    op.drop_column("portal_user_session", "ends")
    op.drop_index("ix_portal_user_email_key", "portal_user")
    op.drop_column("portal_user", "email_key")
