"""What PostgreSQL reads for a page of a list does not grow with what there is: indexes in the order of the list."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import event, text

from portal import queries
from portal.flow.registry import registry
from portal.models import db
from portal.queries import Filters
from portal.queries.filters import DataFilter

TASKS = 20_000
#: rows that are looked at for a page of fifty, with all that they are joined with and the counts beside them
MOST = 3_000

#: two thirds of the processes came later
LONG_AGO = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=90)

PROCESSES = f"""
INSERT INTO portal_process (id, flow_label, process_type, status, created, data, task_count, ended, on_hold, depth,
                     created_by_id, search_text)
SELECT n, 'paper', 'web.conftest:PaperProcess', 'NEW', now() - ({TASKS} - n) * interval '10 minutes',
       CAST(json_build_object('title', 'Paper ' || n || CASE WHEN n = 777 THEN ' needle' ELSE '' END) AS jsonb), 1,
       false, false, 0,
       CASE WHEN n <= 20 THEN :carol ELSE :alice END,
       'paper review' || chr(10) || 'paper ' || n || CASE WHEN n = 777 THEN ' needle' ELSE '' END
FROM generate_series(1, {TASKS}) AS n
"""
ROWS = f"""
INSERT INTO portal_task (id, number, process_id, flow_task, flow_task_type, status, token, owner_id, owner_permission,
                         fingerprint, created, due, priority, data, attempt)
SELECT n, 1, n, CASE WHEN n = 4321 THEN 'sign' ELSE 'review' END, 'View',
       CASE WHEN n % 2 = 0 THEN 'ASSIGNED' ELSE 'NEW' END, 'start',
       CASE WHEN n <= 100 AND n % 2 = 0 THEN :bob WHEN n % 2 = 0 THEN :dave END, 'paper.can_review',
       CASE WHEN n BETWEEN 500 AND 540 THEN 'a1' || repeat('0', 14) WHEN n % 3 = 0 AND n < 15000
            THEN 'b2' || repeat('0', 14) ELSE :declared END, now(),
       CASE WHEN n % 7 = 0 THEN NULL ELSE now() + n % 5000 * interval '1 minute' END, n % 3, '{{}}', 0
FROM generate_series(1, {TASKS}) AS n
"""
#: as workers have counted them
VERSIONS = """
INSERT INTO portal_daily_flow (flow_label, day, version, started, finished, cancelled, failed, reopened)
SELECT 'paper', current_date - 100 + n, CASE n WHEN 1 THEN 'a1' || repeat('0', 14) WHEN 2 THEN 'b2' || repeat('0', 14)
       ELSE :declared END, 10, 0, 0, 0, 0
FROM generate_series(1, 3) AS n
"""


def of_field(op, value):
    return Filters(flow="paper", data=(DataFilter("title", op, value),))


PAGES = {
    "inbox": ("bob", "inbox", Filters()),
    "queue": ("bob", "queue", Filters()),
    "queue of a superuser": ("erin", "queue", Filters()),
    "latest due first": ("bob", "queue", Filters(sort="-due")),
    "all tasks": ("erin", "tasks", Filters()),
    "all tasks of a flow": ("carol", "tasks", Filters()),
    "all tasks of one's own, and those that one may take": ("bob", "tasks", Filters()),
    "priority": ("bob", "queue", Filters(priority="high")),
    "processes": ("carol", "processes", Filters()),
    "a word of one": ("carol", "processes", Filters(q="needle")),
    "a word of all": ("carol", "processes", Filters(q="paper")),
    "a word of all and of a step": ("carol", "processes", Filters(q="review")),
    "tasks of all by a word of theirs and of a step": ("erin", "tasks", Filters(q="review")),
    "where it hardly ever stands": ("carol", "processes", Filters(q="sign")),
    "tasks of a step of few": ("erin", "tasks", Filters(flow="paper", step="sign")),
    "processes at a step of few": ("carol", "processes", Filters(flow="paper", step="sign")),
    "some days long ago": ("carol", "processes", Filters(since=f"{LONG_AGO}", until=f"{LONG_AGO}")),
    "who has begun them all": ("carol", "processes", Filters(q="alice")),
    "a number": ("carol", "processes", Filters(q="4711")),
    "a task by a word": ("erin", "tasks", Filters(q="needle")),
    "a text in a field of one": ("carol", "processes", of_field("contains", "NEEDLE")),
    "a text in a field of all": ("carol", "processes", of_field("contains", "paper")),
    "tasks by a text in a field of one": ("erin", "tasks", of_field("contains", "needle")),
    "tasks by a text in a field of all": ("erin", "tasks", of_field("contains", "paper")),
    "one's own tasks by a text in a field of all": ("bob", "queue", of_field("contains", "paper")),
    "a value of a field that one has": ("carol", "processes", of_field("eq", "Paper 4711")),
    "a version of a few": ("carol", "processes", Filters(flow="paper", version="a1" + "0" * 14)),
    "the beginning of a version of a few": ("carol", "processes", Filters(flow="paper", version="a1")),
    "a version of a third": (
        "carol",
        "processes",
        Filters(flow="paper", version="b2", state="open"),
    ),
    "all older versions, of which none is near the top": (
        "carol",
        "processes",
        Filters(flow="paper", version="old"),
    ),
    "older versions of superusers, the oldest first": (
        "erin",
        "processes",
        Filters(flow="paper", version="old", sort="number"),
    ),
    "tasks of a version of a few": ("erin", "tasks", Filters(flow="paper", version="a1")),
    "tasks by a value of a field that one has": ("erin", "tasks", of_field("eq", "Paper 4711")),
}


@pytest.fixture
def database_url(postgresql):
    return str(postgresql)


@pytest.fixture
def full(app, people):
    ids = {name: people[name].id for name in ("alice", "bob", "carol", "dave")}
    ids["declared"] = registry["paper"].definition.fingerprint
    for statement in (PROCESSES, ROWS, VERSIONS):
        db.session.execute(text(statement), ids)
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return people


def walk(node):
    yield node
    for each in node.get("Plans", ()):
        yield from walk(each)


def looked_at(plan):
    """How many rows the scans of a plan have looked at."""
    return sum(
        (
            node["Actual Rows"]
            + node.get("Rows Removed by Filter", 0)
            + node.get("Rows Removed by Index Recheck", 0)
        )
        * node["Actual Loops"]
        for node in walk(plan)
        if "Scan" in node["Node Type"] and "Relation Name" in node
    )


def scans(plan):
    keys = (
        "Node Type",
        "Relation Name",
        "Index Name",
        "Actual Rows",
        "Rows Removed by Filter",
        "Actual Loops",
    )
    return [tuple(node.get(key) for key in keys) for node in walk(plan) if "Relation Name" in node]


def read(call, faults, what):
    """What a call answers; which of its statements look at too many rows is added to the faults."""
    sent = []

    def note(_connection, _cursor, sql, parameters, _context, _many):
        sent.append((sql, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        answer = call()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    for sql, parameters in sent:
        with db.engine.connect() as connection:
            found = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
            plan = found.scalar_one()[0]["Plan"]
        if looked_at(plan) > MOST:
            faults.append(f"{what}: {looked_at(plan):.0f} rows: {scans(plan)}")
    return answer


def test_a_page_reads_what_it_shows(full):
    faults = []
    for what, (name, page, filters) in PAGES.items():
        for round_ in ("first", "second"):
            user = full[name]
            assert user.all_permissions is not None  # read ahead of what is counted
            found = read(
                lambda: queries.read(db.session(), user, page, filters),  # noqa: B023
                faults,
                f"{what}, {round_} page",
            )
            assert found.rows
            if not found.after:
                break
            filters = Filters(**{**vars(filters), "after": found.after})
    assert not faults, "\n".join(faults)


def test_what_stands_in_the_rows_of_processes_is_read_of_these_alone(full):
    faults = []
    rows = queries.read(db.session(), full["carol"], "processes").rows
    read(lambda: queries.attention(db.session(), rows), faults, "attention")
    read(lambda: queries.places(db.session(), [row.id for row in rows]), faults, "places")
    assert not faults, "\n".join(faults)


def test_a_board_reads_what_it_counts_and_shows(full):
    faults = []
    now = dt.datetime.now(dt.UTC)
    for name in ("carol", "bob"):
        # as much of them all as pages look at of a million; of more it is cheaper to read these few tables whole
        read(lambda: queries.board(db.session(), full[name], "paper", now, 100), faults, name)  # noqa: B023
    assert not faults, "\n".join(faults)
