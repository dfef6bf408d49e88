"""Lists: a text to search with each process, indexes in the order of the lists, saved views."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"

_OPEN = sa.text("finished IS NULL")
_OWNED = sa.text("finished IS NULL AND owner_id IS NOT NULL")
_TRIGRAMS = """
CREATE OR REPLACE FUNCTION portal_trigrams(value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS
$$ SELECT ARRAY(SELECT DISTINCT substr(value, place, 3) FROM generate_series(1, length(value) - 2) AS place) $$
"""
_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("portal_process", sa.Column("search_text", sa.Text))
    _index("ix_portal_process_unsearched", "portal_process", ["id"], sa.text("search_text IS NULL"))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_TRIGRAMS)
        pieces = [sa.text("portal_trigrams(search_text)")]
        op.create_index("ix_portal_process_search", "portal_process", pieces, postgresql_using="gin")
    _replace("ix_portal_task_inbox", ["owner_id", "due", sa.text("priority DESC"), "id"], _OWNED)
    _replace("ix_portal_task_queue", ["status", "owner_permission", "due", sa.text("priority DESC"), "id"])
    _index("ix_portal_task_due", "portal_task", ["due", sa.text("priority DESC"), "id"], _OPEN)
    op.create_table(
        "portal_saved_view",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("page", sa.String(20), nullable=False),
        sa.Column("query", sa.String(1000), nullable=False),
        sa.Column("owner_id", _BIG, sa.ForeignKey("portal_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("role_id", _BIG, sa.ForeignKey("portal_role.id", ondelete="CASCADE")),
    )
    op.create_index("ix_portal_saved_view_owner_id", "portal_saved_view", ["owner_id"])
    op.create_index("ix_portal_saved_view_role_id", "portal_saved_view", ["role_id"])


def downgrade() -> None:
    op.drop_table("portal_saved_view")
    op.drop_index("ix_portal_task_due", "portal_task")
    _replace("ix_portal_task_queue", ["status", "owner_permission", "due", "priority", "id"])
    _replace("ix_portal_task_inbox", ["owner_id", "due", "priority", "id"], _OWNED)
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_portal_process_search", "portal_process")
        op.execute("DROP FUNCTION portal_trigrams(text)")
    op.drop_index("ix_portal_process_unsearched", "portal_process")
    op.drop_column("portal_process", "search_text")


def _replace(name: str, columns: list[str | sa.TextClause], where: sa.TextClause = _OPEN) -> None:
    op.drop_index(name, "portal_task")
    _index(name, "portal_task", columns, where)


def _index(name: str, table: str, columns: list[str | sa.TextClause], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
