"""People have a manager, a department, skills and a capacity; rules of assignment remember whose turn it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0012"

BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("portal_user") as people:
        people.add_column(sa.Column("manager_id", BIG_ID, nullable=True))
        people.create_foreign_key(
            "fk_portal_user_manager", "portal_user", ["manager_id"], ["id"], ondelete="SET NULL"
        )
        people.add_column(sa.Column("department", sa.String(200), nullable=False, server_default=""))
        people.add_column(sa.Column("skills", sa.JSON, nullable=False, server_default="[]"))
        people.add_column(sa.Column("capacity", sa.Integer, nullable=True))
        people.add_column(sa.Column("language", sa.String(20), nullable=True))
        people.add_column(sa.Column("timezone", sa.String(64), nullable=True))
    op.create_table(
        "portal_turn",
        sa.Column("flow_label", sa.String(150), primary_key=True),
        sa.Column("node", sa.String(150), primary_key=True),
        sa.Column("user_id", BIG_ID, sa.ForeignKey("portal_user.id", ondelete="SET NULL"), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("portal_turn")
    with op.batch_alter_table("portal_user") as people:
        for name in ("timezone", "language", "capacity", "skills", "department"):
            people.drop_column(name)
        people.drop_constraint("fk_portal_user_manager", type_="foreignkey")
        people.drop_column("manager_id")
