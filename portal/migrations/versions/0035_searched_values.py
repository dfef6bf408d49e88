"""Filters on fields ask the index of the search; tasks with data of their own have a text to search."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0031"

#: a line break stands before and behind each text, which is parted once: `substr` counts its letters anew each time
_TRIGRAMS = r"""
CREATE OR REPLACE FUNCTION portal_trigrams(value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS
$$ SELECT array_agg(piece)
   FROM (SELECT letter || lead(letter) OVER () || lead(letter, 2) OVER () AS piece
         FROM unnest(string_to_array(E'\n' || value || E'\n', NULL)) AS letter) AS pieces
   WHERE piece IS NOT NULL $$
"""
_FORMER = """
CREATE OR REPLACE FUNCTION portal_trigrams(value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS
$$ SELECT ARRAY(SELECT DISTINCT substr(value, place, 3) FROM generate_series(1, length(value) - 2) AS place) $$
"""
#: texts that were cut may lack a value, and are made anew by workers: with a mark
_CUT = """
UPDATE portal_process SET search_text = NULL
WHERE length(CAST(data AS text)) > 10000 OR length(search_text) > 19000
"""
_MOST = 20_000


def upgrade() -> None:
    bind = op.get_bind()
    op.add_column("portal_task", sa.Column("search_text", sa.Text))
    _index_anew(_TRIGRAMS)
    if bind.dialect.name == "postgresql":
        op.execute(_CUT)
        op.create_index(
            "ix_portal_task_search", "portal_task", [sa.text("portal_trigrams(search_text)")], postgresql_using="gin",
            postgresql_where=sa.text("search_text IS NOT NULL"),
        )  # fmt: skip
    task = sa.table(
        "portal_task", sa.column("id"), sa.column("data", sa.JSON), sa.column("search_text", sa.Text)
    )
    last = 0
    while True:
        query = sa.select(task.c.id, task.c.data).where(
            task.c.id > last, sa.cast(task.c.data, sa.Text) != "{}"
        )
        found = bind.execute(query.order_by(task.c.id).limit(1000)).all()
        if not found:
            break
        for task_id, data in found:
            if text := _text(data):
                bind.execute(sa.update(task).where(task.c.id == task_id).values(search_text=text))
        last = found[-1][0]
    if bind.dialect.name == "postgresql":
        op.execute(
            "ANALYZE portal_process, portal_task"
        )  # of an index that is new nobody knows what is frequent


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_portal_task_search", "portal_task")
    op.drop_column("portal_task", "search_text")
    _index_anew(_FORMER)


def _index_anew(function: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_portal_process_search", "portal_process")
        op.execute(function)
        pieces = [sa.text("portal_trigrams(search_text)")]
        op.create_index("ix_portal_process_search", "portal_process", pieces, postgresql_using="gin")


def _text(data: Any) -> str:
    own = {key: value for key, value in (data or {}).items() if not key.startswith("_")}
    lines = "\n".join(dict.fromkeys(each for each in _values(own) if each and len(each) < 10_000))
    return unicodedata.normalize("NFC", lines.casefold())[:_MOST].replace("\0", " ")


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _values(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield json.dumps(value)
