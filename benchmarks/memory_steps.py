"""What a web process takes, step by step: `memory.py --steps` runs it as a process of its own, with a database.

python benchmarks/memory_steps.py URL PERSON PASSWORD
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

#: nothing else is imported: what is measured begins with little
ROOT = Path(__file__).parents[1]

#: what any application of this kind has: Flask, SQLAlchemy with both databases' words, forms, sign-in
FLOOR = """
    flask flask_sqlalchemy sqlalchemy.orm sqlalchemy.dialects.sqlite sqlalchemy.dialects.postgresql flask_wtf
    flask_login flask_bootstrap wtforms_sqlalchemy.orm
""".split()
#: where a walk through all pages begins; the links of a page lead on
DOORS = (
    "/inbox",
    "/queue",
    "/archive",
    "/tasks",
    "/requests",
    "/reports",
    "/workload",
    "/admin/",
    "/profile",
    "/metrics",
)


def show(step: str) -> None:
    """Print a step with the megabytes of this process: all, its share of what several share, and its own alone."""
    lines = [line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()]
    size = {words[0]: int(words[1]) / 1024 for words in lines if words[-1] == "kB"}
    own = size["Private_Clean:"] + size["Private_Dirty:"]
    print(f"{step:40}{size['Rss:']:8.1f}{size['Pss:']:8.1f}{own:8.1f}{len(sys.modules):8}", flush=True)


def walk(app: Any, client: Any) -> int:
    """Get a page of each kind that links lead to. How many those were."""
    from werkzeug.exceptions import HTTPException

    routes = app.url_map.bind("localhost")
    seen, waiting, pages = set(), list(DOORS), 0
    while waiting:
        address = waiting.pop(0)
        try:
            rule, values = routes.match(re.split("[?#]", address)[0], return_rule=True)
        except HTTPException:
            continue
        kind = (rule.rule, *(values.get(name) for name in ("label", "action", "name")))
        if kind in seen:
            continue
        seen.add(kind)
        pages += 1
        with client.get(address) as answer:
            if answer.is_json or "html" not in (answer.content_type or ""):
                continue
            links = re.findall(r'href="(/[^"]*)"', answer.text)
            waiting += [link.replace("&amp;", "&") for link in (*links, answer.headers.get("Location", ""))]
    return pages


def main(url: str, person: str, password: str) -> None:
    print(f"{'megabytes of a web process':40}{'RSS':>8}{'PSS':>8}{'own':>8}{'modules':>8}")
    show("the interpreter")
    for name in FLOOR:
        importlib.import_module(name)
    show("Flask, SQLAlchemy, WTForms")
    from portal import create_app

    show("the portal imported")
    app = create_app(
        {
            "DATABASE_URL": url,
            "FLOWS": ["flows"],
            "SCHEDULER": "off",
            "TESTING": True,
            "WTF_CSRF_ENABLED": False,
        }
    )
    show("the application made")
    client = app.test_client()
    client.get("/readyz")
    show("it says that it is ready")
    client.post("/login", data={"username": person, "password": password})
    client.get("/inbox")
    show("somebody has signed in, and sees the inbox")
    pages = walk(app, client)
    show(f"a round of {pages} pages")
    for _ in range(4):
        walk(app, client)
    show("four rounds more")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(*sys.argv[1:])
