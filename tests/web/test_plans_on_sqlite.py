"""What SQLite reads for a page: keys, and no whole tables beside them, also where it knows how much there is."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select, text

from portal import queries
from portal.models import Process, Task, db, find_user
from portal.queries.among import among


@pytest.fixture
def plans(bob, submit, take):
    """The plans of the statements that a call sends, among some processes of which one is bob's."""
    for number in range(30):
        submit(f"Paper {number}")
    take(submit("Mine"))
    db.session.execute(text("ANALYZE"))
    db.session.commit()
    db.session.remove()

    def explain(call):
        sent = []

        def note(_connection, _cursor, sql, parameters, _context, _many):
            sent.append((sql, parameters))

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            call()
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        with db.engine.connect() as connection:
            found = [
                connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).all()
                for sql, parameters in sent
            ]
        return [row[3] for rows in found for row in rows]

    return explain


def test_what_needs_attention_goes_through_no_table_for_a_filter(plans):
    rows = queries.read(db.session(), find_user(db.session(), "carol"), "processes").rows
    assert len(rows) == 31
    assert [line for line in plans(lambda: queries.attention(db.session(), rows)) if "BLOOM" in line] == []


def test_a_criterion_of_keys_is_asked_of_an_index(plans):
    keys = select(Process.id).where(Process.created_by_id == 1).scalar_subquery()
    query = select(Task.id).where(among(Task.process_id, keys), Task.finished.is_(None))
    lines = plans(lambda: db.session.execute(query))
    assert lines[0].startswith("SEARCH portal_task USING"), lines
    assert "(process_id=?)" in lines[0]
