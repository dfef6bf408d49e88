"""The lists of one person among 10,000 and among 1,000,000 tasks. They should take the same time.

python benchmarks/inbox.py [postgresql://…] [--plans]

Half of what is not bob's is free for him, half are other people's. `--plans` prints what PostgreSQL does for each page.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Any

from places import many_rows, median, places, vacuum
from sqlalchemy import event, text

from portal import create_app
from portal.models import Role, SavedView, create_user, db, init_db

SIZES = (10_000, 1_000_000)
#: what may be lost on the way from the small to the large one
TARGET = 1.5
#: tasks in bob's own inbox, and people who have the rest
MINE, PEOPLE = 50, 200
#: what bob looks at, and the most that it may take; `{view}` is a saved one
PAGES = {
    "inbox": ("/inbox", 8),
    "queue": ("/queue", 12),
    "queue, page 2": ("/queue?after={after}", 12),
    "tasks": ("/tasks", 12),
    "processes": ("/processes", 12),
    "dashboard": ("/flows/hello_world", 10),
    "saved view": ("/queue?view={view}", 12),
    "search, one process": ("/processes?q=needle", 12),
    "search, every process": ("/processes?q=message", 12),
    "search, a number": ("/processes?q=4711", 12),
    "search, tasks": ("/tasks?q=needle", 12),
    "filter on a field": ("/queue?flow=hello_world&data.text.contains=needle", 0),
}

_PROCESSES = """
INSERT INTO portal_process (id, flow_label, process_type, status, created, data, task_count, ended, on_hold, depth,
                     created_by_id, search_text)
SELECT n, 'hello_world', 'flows.hello_world:HelloWorldProcess', 'NEW', now(), CAST(json_object({pairs}) AS {json}), 1,
       false, false, 0, :first + n % :people, 'hello world' || chr(10) || 'message ' || n || {needle}
FROM {numbers}
"""
_TASKS = """
INSERT INTO portal_task (id, number, process_id, flow_task, flow_task_type, status, token, owner_id, owner_permission,
                         created, due, priority, data, attempt)
SELECT n, 1, n, 'approve', 'View', CASE WHEN n % 2 = 0 OR n <= :mine THEN 'ASSIGNED' ELSE 'NEW' END, 'start',
       CASE WHEN n <= :mine THEN :bob WHEN n % 2 = 0 THEN :first + n % :people END, 'hello_world.can_approve', {now},
       CASE WHEN n % 7 = 0 THEN NULL ELSE {due} END, n % 3, '{{}}', 0
FROM {numbers}
"""


def main() -> None:
    given = [each for each in sys.argv[1:] if not each.startswith("-")]
    where = ((url.partition(":")[0], _app(url)) for url in given) if given else places(["flows"])
    print(f"{'':34}{SIZES[0]:>12,}{SIZES[1]:>12,}   ratio")
    for name, app in where:
        with app.app_context():
            measure_all(name, app)


def _app(url: str) -> Any:
    app = create_app(
        {
            "DATABASE_URL": url,
            "FLOWS": ["flows"],
            "SCHEDULER": "off",
            "TESTING": True,
            "WTF_CSRF_ENABLED": False,
        }
    )
    with app.app_context():
        db.drop_all()
        db.session.execute(text("DROP TABLE IF EXISTS portal_version, alembic_version"))
        db.session.commit()
        init_db()
    return app


def people() -> tuple[int, dict[str, int]]:
    """Bob, his saved view and all the others: the view's id, and what `fill` wants to know."""
    first = min(create_user(f"person{number}").id for number in range(PEOPLE))
    bob = create_user(
        "bob",
        "a long password",
        permissions=["hello_world.can_approve", "hello_world.view"],
        roles=["clerks"],
    )
    role = db.session.query(Role).one()
    view = SavedView(name="Mine", page="queue", query="priority=high", owner_id=bob.id, role_id=role.id)
    db.session.add(view)
    db.session.commit()
    return view.id, {"first": first, "people": PEOPLE, "mine": MINE, "bob": bob.id}


def measure_all(name: str, app: Any) -> None:
    view_id, values = people()
    client = app.test_client()
    client.post("/login", data={"username": "bob", "password": "a long password"})
    found: dict[str, list[float]] = {}
    done = 0
    for size in SIZES:
        fill(done, size, values)
        done = size
        for what, (path, _) in PAGES.items():
            found.setdefault(what, []).append(page(client, path, view_id))
    for what, (small, large) in found.items():
        most = PAGES[what][1]
        verdict = f"   more than {TARGET}" if large / small > TARGET else ""
        verdict += f"   more than {most} ms" if most and large > most else ""
        print(f"{name + ', ' + what:34}{small:9.2f} ms{large:9.2f} ms{large / small:8.2f}{verdict}")
    if "--plans" in sys.argv:
        for what, (path, _) in PAGES.items():
            print(f"\n== {what}\n" + "\n".join(plans(client, path.format(view=view_id, after=after(client)))))


def fill(done: int, size: int, values: dict[str, int]) -> None:
    """Add processes with an open task each, up to a number."""
    session, postgresql = db.session, db.engine.dialect.name == "postgresql"
    if postgresql:
        numbers = f"generate_series({done + 1}, {size}) AS n"
        words = {
            "numbers": numbers, "pairs": "'text' VALUE 'Message ' || n || {needle}", "json": "jsonb", "now": "now()",
            "due": "now() + (n % 50000) * interval '1 minute'",
        }  # fmt: skip
    else:
        first = "'2026-01-01 00:00:00.000000'"
        numbers = (
            f"(WITH RECURSIVE c(n) AS (SELECT {done + 1} UNION ALL SELECT n + 1 FROM c WHERE n < {size}) "
            "SELECT n FROM c)"
        )
        words = {
            "numbers": numbers, "pairs": "'text', 'Message ' || n || {needle}", "json": "TEXT", "now": first,
            "due": "datetime('2026-01-01', '+' || (n % 50000) || ' minutes') || '.000000'",
        }  # fmt: skip
    needle = "CASE WHEN n % 100000 = 5000 THEN ' needle' ELSE '' END"
    words["pairs"] = words["pairs"].format(needle=needle)
    processes = _PROCESSES.format(needle=needle, **words)
    if not postgresql:
        processes = processes.replace("now()", "'2026-01-01 00:00:00.000000'").replace("chr(", "char(")
    statements = (processes, _TASKS.format(**words))
    with many_rows("portal_process", "portal_task") if postgresql else nullcontext():
        for statement in statements:
            session.execute(text(statement), values)
    session.commit()
    if postgresql:
        vacuum()


def after(client: Any) -> str:
    return client.get("/queue").text.partition("after=")[2].partition('"')[0]


def page(client: Any, path: str, view: int) -> float:
    path = path.format(view=view, after=after(client) if "{after}" in path else "")
    answer = client.get(path)
    assert answer.status_code in (200, 302), f"{path}: {answer.status}"
    return median(lambda: client.get(path))


def plans(client: Any, path: str) -> list[str]:
    """What the database does for a page: the plan of each statement that reads tasks or processes."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT") and ("task" in statement or "process" in statement):
            sent.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    client.get(path)
    event.remove(db.engine, "before_cursor_execute", note)
    found = []
    with db.engine.connect() as connection:
        for statement, parameters in sent:
            rows = connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF) {statement}", parameters
            )
            found += [row[0] for row in rows]
    return found


if __name__ == "__main__":
    main()
