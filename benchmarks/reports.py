"""What reports cost: counting the history, their upkeep beside an action, and a report of a month and of a year.

python benchmarks/reports.py [processes]     on PostgreSQL; eleven events a process, over a year
python benchmarks/reports.py upkeep          on both databases: counting beside the actions that are counted
"""

# ruff: noqa: E501  statements
from __future__ import annotations

import datetime as dt
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from engine import human
from places import application, many_rows, median, places, urls, vacuum
from sqlalchemy import text

from portal.engine.reports import counting
from portal.models import create_user, db
from portal.queries import reports

PASSWORD = "a long password"
LABEL = "expense_claim"
#: claims over a year: waited for, taken, given back and taken again, worked on, one in ten declined; those of the last
#: days are open
LIVES = """
CREATE UNLOGGED TABLE life AS
SELECT n, began, began + 0.2 * wait AS taken, began + 0.2 * wait + work AS checked,
       began + 0.9 * wait + work AS signing, began + wait + 2 * work AS signed, n % 10 = 0 AS declined
FROM (SELECT n, now() - interval '365 days' * (1 - n / CAST(:processes AS float)) AS began,
             interval '1 hour' * (2 + 60 * random() * random()) AS wait, interval '1 minute' * (1 + 90 * random()) AS work
      FROM generate_series(1, :processes) AS n) AS drawn
"""
PEOPLE = 200
_NEEDLE = "CASE WHEN n % 100000 = 5000 THEN ' needle' ELSE '' END"
PROCESSES = f"""
INSERT INTO portal_process (id, flow_label, process_type, status, created, finished, data, task_count, ended, on_hold, depth,
                            search_text, created_by_id)
SELECT n, :label, 'flows.expense_claim:ExpenseClaimProcess',
       CASE WHEN coalesce(finished < now(), false) THEN 'DONE' ELSE 'NEW' END,
       began, CASE WHEN finished < now() THEN finished END,
       CAST(json_object('purpose' VALUE 'Visit ' || n || {_NEEDLE}, 'iban' VALUE 'CH9300762011623852957',
            'receipts' VALUE '[{{"day": "2026-11-02", "what": "Train", "amount": "48.00"}}]' FORMAT JSON) AS jsonb),
       3, false, false, 0, 'expense claim' || chr(10) || 'visit ' || n || {_NEEDLE}, :first + n % :people
FROM (SELECT *, CASE WHEN declined THEN checked ELSE signed END AS finished FROM life) AS lives
"""
TASKS = """
INSERT INTO portal_task (id, number, process_id, flow_task, flow_task_type, status, token, created, assigned, started,
                         finished, due, priority, data, attempt, fingerprint, owner_id,
                         owner_permission)
SELECT 3 * n + number, number + 1, n, step, kind,
       CASE WHEN finished < now() THEN 'DONE' WHEN taken < now() THEN 'ASSIGNED' ELSE 'NEW' END, 'start', began, taken, began,
       CASE WHEN finished < now() THEN finished END, due, 0, '{}', 0, :fingerprint, CASE WHEN number > 0 AND taken < now() THEN :first + n * (number + 2) % :people END,
       CASE WHEN number > 0 THEN 'expense_claim.can_' || step END
FROM (SELECT n, 0 AS number, 'start' AS step, 'Start' AS kind, began, began AS taken, began AS finished, NULL::timestamptz AS due FROM life
      UNION ALL SELECT n, 1, 'approve', 'View', began, taken, checked, began + interval '1 day' FROM life
      UNION ALL SELECT n, 2, 'countersign', 'View', checked, signing, signed, NULL FROM life
      WHERE NOT declined AND checked < now()) AS made
"""
EVENTS = """
INSERT INTO portal_event (created, user_id, process_id, task_id, action, from_state, to_state, detail)
SELECT created, :first + n * (coalesce(number, 0) + 2) % :people, n, CASE WHEN number IS NOT NULL THEN 3 * n + number END, action, before, after, '{}'
FROM (SELECT n, NULL::int AS number, began AS created, 'start' AS action, NULL AS before, 'NEW' AS after, 0 AS place FROM life
      UNION ALL SELECT n, 0, began, 'start', NULL, 'DONE', 1 FROM life
      UNION ALL SELECT n, 1, began, 'step', NULL, 'NEW', 2 FROM life
      UNION ALL SELECT n, 1, began + 0.5 * (taken - began), 'assign', 'NEW', 'ASSIGNED', 3 FROM life
      UNION ALL SELECT n, 1, began + 0.6 * (taken - began), 'unassign', 'ASSIGNED', 'NEW', 4 FROM life
      UNION ALL SELECT n, 1, taken, 'assign', 'NEW', 'ASSIGNED', 5 FROM life
      UNION ALL SELECT n, 1, checked, 'execute', 'ASSIGNED', 'DONE', 6 FROM life
      UNION ALL SELECT n, 2, checked, 'step', NULL, 'NEW', 7 FROM life WHERE NOT declined
      UNION ALL SELECT n, 2, signing, 'assign', 'NEW', 'ASSIGNED', 8 FROM life WHERE NOT declined
      UNION ALL SELECT n, 2, signed, 'execute', 'ASSIGNED', 'DONE', 9 FROM life WHERE NOT declined
      UNION ALL SELECT n, NULL, CASE WHEN declined THEN checked ELSE signed END, 'step', 'NEW', 'DONE', 10 FROM life) AS told
WHERE created < now() ORDER BY created, n, place
"""


def fill(app: Any, processes: int) -> None:
    """Make the history of a year."""
    flow_class = app.extensions["portal_flows"][LABEL]
    create_user("bench", PASSWORD, permissions=[f"{LABEL}.manage"], roles=["Finance"])
    first = min(create_user(f"person{number}").id for number in range(PEOPLE))
    values = {
        "processes": processes, "label": LABEL, "first": first, "people": PEOPLE,
        "fingerprint": flow_class.definition.fingerprint,
    }  # fmt: skip
    with many_rows("portal_process", "portal_task", "portal_event"):
        for statement in (LIVES, PROCESSES, TASKS, EVENTS):
            db.session.execute(text(statement), values)
    db.session.execute(text("DROP TABLE life"))
    for name in ("portal_process", "portal_task"):
        db.session.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))")
        )
    db.session.commit()
    vacuum()


def measure(app: Any, processes: int) -> None:
    before = time.perf_counter()
    fill(app, processes)
    print(f"{processes} processes made in {time.perf_counter() - before:.0f} s")
    before, cpu = time.perf_counter(), time.process_time()
    counting.rebuild(db.session())
    events = counting.count_all(db.session())
    took, own = time.perf_counter() - before, time.process_time() - cpu
    print(
        f"rebuild: {events} events in {took:.0f} s ({events / took:.0f} a second, {own / events * 1e6:.0f} µs CPU each)"
    )
    vacuum()
    for table in ("flow", "step", "person", "duration"):
        print(
            f"portal_daily_{table}: {db.session.scalar(text(f'SELECT count(*) FROM portal_daily_{table}'))} rows"
        )
    today = dt.datetime.now(dt.UTC).date()
    client = app.test_client()
    client.post("/login", data={"username": "bench", "password": PASSWORD})
    for days in (28, 365):
        since = today - dt.timedelta(days=days - 1)
        read = median(partial(reports.report, db.session(), LABEL, since, today), 7)
        page = median(partial(client.get, f"/reports/{LABEL}?since={since}&until={today}"), 7)
        print(f"a report of {days} days: read {read:.0f} ms, page {page:.0f} ms")
    print(f"/reports: {median(lambda: client.get('/reports'), 7):.0f} ms")
    print(f"/flows/{LABEL}: {median(lambda: client.get(f'/flows/{LABEL}'), 7):.1f} ms")
    print(f"usual_time: {median(lambda: reports.usual_time(db.session(), LABEL, today), 7):.1f} ms")
    plan = "EXPLAIN (ANALYZE, BUFFERS) SELECT kind, name, bucket, sum(number) FROM portal_daily_duration " \
        "WHERE flow_label IN (:label) AND day <= :until AND day >= :since AND kind = 'step' GROUP BY kind, name, bucket"  # fmt: skip
    for row in db.session.execute(text(plan), {"label": LABEL, "since": since, "until": today}):
        print(f"  {row[0]}")


#: processes of a round of `upkeep`: as many events as a worker waits for (`counting.WORTH`)
HUMAN, ROUNDS, TARGET = 72, 12, 5


def upkeep(name: str) -> None:
    """What counting takes beside the actions whose events are counted: start, assign and execute, from code, then the
    workers' turn, again and again."""
    person = create_user("erin", PASSWORD, is_superuser=True).id
    took: dict[str, list[tuple[float, float]]] = {"actions": [], "counting": []}
    counting.rebuild(db.session())
    events = 0
    for number in range(ROUNDS + 1):
        before = time.perf_counter(), time.process_time()
        for _ in range(HUMAN):
            human(person)
        between = time.perf_counter(), time.process_time()
        counted = counting.turn(db.session())
        after = time.perf_counter(), time.process_time()
        if number:  # the first round warms up
            events += counted
            took["actions"].append((between[0] - before[0], between[1] - before[1]))
            took["counting"].append((after[0] - between[0], after[1] - between[1]))
    wall, cpu = (
        {what: statistics.median(each[place] for each in rounds) for what, rounds in took.items()}
        for place in (0, 1)
    )
    actions = 3 * HUMAN
    ratios = [100 * each["counting"] / each["actions"] for each in (wall, cpu)]
    print(
        f"{name}: {events / ROUNDS / actions:.1f} events an action; an action {wall['actions'] / actions * 1000:.2f} ms "
        f"({cpu['actions'] / actions * 1000:.2f} ms of CPU), counting it {wall['counting'] / actions * 1000:.3f} "
        f"({cpu['counting'] / actions * 1000:.3f}): {ratios[0]:.1f} % ({ratios[1]:.1f} %)"
        + (f"   more than {TARGET} %" if max(ratios) > TARGET else ""),
        flush=True,
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["upkeep"]:
        for name, _ in places(["engine"]):
            upkeep(name)
        raise SystemExit
    with tempfile.TemporaryDirectory() as folder:
        for name, url in urls(Path(folder)):
            if name == "PostgreSQL":
                with application(url, ["flows.expense_claim"]) as app:
                    measure(app, int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
