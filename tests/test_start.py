"""What a command and a server do not need is neither imported nor done when they start."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from portal import create_app, databases
from portal.models import Passwords, db, init_db
from portal.models.schema import REVISIONS, core_heads

ROOT = Path(__file__).parent.parent
#: each is a large part of the time, or of the memory, of a process that has no use for it
HEAVY = {
    "alembic", "apscheduler.schedulers", "authlib", "babel.messages", "celery", "confusable_homoglyphs", "cryptography",
    "dateutil", "email_validator", "flask_mailman", "flask_migrate", "fsspec", "gunicorn", "holidays", "httpx",
    "icalendar", "imap_tools", "kombu", "ldap3", "leather", "linkify_it", "lxml", "mako", "markdown_it",
    "multiprocessing", "nh3", "playwright", "psycopg", "pygments", "pytest", "requests", "segno", "smtplib",
    "ua_parser", "unittest", "urllib3", "waitress", "xlsxwriter", "zxcvbn",
}  # fmt: skip
#: what only pages, programs and senders need
OF_PAGES = {"apispec", "flask_smorest", "marshmallow", "prometheus_client", "secure", "yaml"}

#: prints what is imported when a web process has said that it is ready
SERVE = """
import sys
from portal import create_app
app = create_app({"DATABASE_URL": sys.argv[1], "SCHEDULER": "off"})
print(app.test_client().get("/readyz").status_code, *sys.modules)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "flows").symlink_to(ROOT / "flows")
    return tmp_path


def test_the_list_of_flows_imports_nothing_heavy(folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "portal", "flows", "list"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = re.findall(r"\| +(\S+)$", done.stderr, re.MULTILINE)
    assert "portal.discovery" in names
    assert {"portal.app", "portal.web.pages", "portal.api.rest"}.isdisjoint(names)
    assert (HEAVY | OF_PAGES).intersection(names) == set()


def test_a_server_that_is_ready_has_imported_nothing_heavy(folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    url = f"sqlite:///{folder / 'portal.sqlite'}"
    app = create_app({"DATABASE_URL": url, "SCHEDULER": "off", "TESTING": True})
    with app.app_context():
        init_db()
        db.engine.dispose()
    done = subprocess.run(
        [sys.executable, "-c", SERVE, url], cwd=folder, capture_output=True, text=True, check=True
    )
    status, *names = done.stdout.split()
    assert status == "200", done.stderr
    assert HEAVY.intersection(names) == set()


def test_an_application_starts_without_hashing_a_password(monkeypatch):
    def refuse(_password):
        raise AssertionError("a hash takes a tenth of a second, by design")

    monkeypatch.setattr(Passwords, "hash", refuse)
    create_app({"DATABASE_URL": "sqlite://", "SCHEDULER": "off", "FLOWS": []})


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///portal.sqlite", "postgresql://localhost/portal"])
def test_compiled_statements_do_not_grow_a_process_for_ever(url, monkeypatch):
    monkeypatch.setattr(databases, "STATEMENTS", 150)  # the tests themselves keep more
    assert databases.database_settings(url, 5)["SQLALCHEMY_ENGINE_OPTIONS"]["query_cache_size"] == 150


def test_the_newest_revision_is_alembics(tmp_path):
    from alembic.script import ScriptDirectory

    versions = ScriptDirectory(str(REVISIONS), version_locations=[str(REVISIONS / "versions")])
    assert core_heads() == tuple(versions.get_heads())
