"""Who chose the owner of a task; names that are the same for one rule; sessions, and tries to sign in."""

import logging

import sqlalchemy as sa
from alembic import op

from portal import usernames

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
USERS = sa.table("user_account", sa.column("id"), sa.column("username"), sa.column("username_key"))

log = logging.getLogger("portal.schema")


def upgrade():
    op.add_column("task", sa.Column("owner_by_rule", sa.Boolean(), nullable=False, server_default=sa.false()))
    # A rule assigns a task in the moment in which it is made; a person can only do so later.
    op.execute("UPDATE task SET owner_by_rule = true WHERE status = 'ASSIGNED' AND assigned = created")
    op.add_column("user_account", sa.Column("username_key", sa.String(length=180), nullable=True))
    _give_keys(op.get_bind())
    with op.batch_alter_table("user_account") as users:
        users.alter_column("username_key", existing_type=sa.String(length=180), nullable=False)
        users.create_unique_constraint("user_account_username_key_key", ["username_key"])
    op.create_table(
        "user_session",
        sa.Column("id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("session_key", sa.String(length=32), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("seen", MOMENT, nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("agent", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(op.f("ix_user_session_seen"), "user_session", ["seen"])
    op.create_index(op.f("ix_user_session_user_id"), "user_session", ["user_id"])
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", BigId, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("name_hash", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=50), nullable=False),
        sa.Column("device_hash", sa.String(length=64), nullable=True),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sign_in_attempt_created"), "sign_in_attempt", ["created"])
    op.create_index("ix_sign_in_attempt_name", "sign_in_attempt", ["name_hash", "created"])
    op.create_index("ix_sign_in_attempt_address", "sign_in_attempt", ["address", "created"])


def _give_keys(connection):
    """Each person gets the key of their name by today's rule. Of two that share one, the later keeps signing in by the
    exact name: it gets a key that nobody can type, and is told of."""
    first = {}
    for number, name in connection.execute(sa.select(USERS.c.id, USERS.c.username).order_by(USERS.c.id)):
        key = usernames.key(name)[: usernames.LONGEST]
        if key in first:
            log.warning(
                "the user names %r (id %s) and %r (id %s) are the same or look alike: the second one has to be typed "
                "exactly; give it another name",
                first[key][1], first[key][0], name, number,
            )  # fmt: skip
            key = f"{key}\x1f{number}"
        else:
            first[key] = number, name
        connection.execute(USERS.update().where(USERS.c.id == number).values(username_key=key))
