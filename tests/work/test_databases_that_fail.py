"""A database that cannot be used: one line at start, /readyz that says why, a page in words, nothing pretended."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import event, text

from portal import create_app, flow, this, views
from portal.engine import retries
from portal.models import Process, create_user, db, init_db

ROOT = Path(__file__).parent.parent.parent
FLOW = """
from portal import flow, jsonstore, this
from portal.models import Process
from sqlalchemy.orm import mapped_column


class OfferProcess(Process):
    __tablename__ = "offer_process"
    id = mapped_column(__import__("sqlalchemy").ForeignKey(Process.id), primary_key=True)
    total = mapped_column(__import__("sqlalchemy").Integer)


class OfferFlow(flow.Flow):
    process_class = OfferProcess
    start = flow.StartHandle().Next(this.end)
    end = flow.End()
"""


class NoteFlow(flow.Flow):
    start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.look)
    look = flow.ManualTask().Next(this.end)
    end = flow.End()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "portal.sqlite"


@pytest.fixture
def site(file):
    made = create_app(
        {
            "DATABASE_URL": f"sqlite:///{file}", "FLOWS": [], "SCHEDULER": "off", "TESTING": True,
            "WTF_CSRF_ENABLED": False, "DATABASE_LOCK_TIMEOUT": 0.3, "PROPAGATE_EXCEPTIONS": False,
        }
    )  # fmt: skip
    made.extensions["portal_flows"].register(NoteFlow)
    with made.app_context():
        init_db()
        create_user("erin", password="a password", is_superuser=True)
        try:
            yield made
        finally:
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def erin(site):
    client = site.test_client()
    assert client.post("/login", data={"username": "erin", "password": "a password"}).status_code == 303
    return client


def portal(folder, *words, **settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return subprocess.run(
        [sys.executable, "-m", "portal", *words],
        cwd=folder, env={**kept, "PYTHONPATH": str(ROOT), "PORTAL_FLOWS": ",", **settings},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def fill_up():
    """Every connection from now on has no page left to grow into."""
    db.session.remove()
    db.engine.dispose()

    @event.listens_for(db.engine, "connect")
    def full(connection, _record):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")


def grow(client, most=200):
    """Start processes until one is refused; what was answered."""
    for number in range(1, most):
        answer = client.post("/flows/note/start/start")
        if answer.status_code != 303:
            return number - 1, answer
    raise AssertionError("it is never full")


def test_a_full_disk_is_told_in_words_and_nothing_is_pretended(site, erin):
    before = db.session.query(Process).count()
    fill_up()
    accepted, answer = grow(erin)
    assert answer.status_code == 503
    assert "its disk is full" in answer.text
    assert "Traceback" not in answer.text
    db.session.remove()
    assert db.session.query(Process).count() == before + accepted


def test_a_file_that_vanishes_takes_nothing_that_is_lost(site, erin, file):
    file.rename(file.with_name("moved"))
    answer = erin.post("/flows/note/start/start")
    assert answer.status_code == 503
    assert "Something broke" not in answer.text
    ready = site.test_client().get("/readyz")
    assert ready.status_code == 503
    assert "is not there" in ready.json["database"]
    assert not file.exists()
    file.with_name("moved").rename(file)
    assert erin.post("/flows/note/start/start").status_code == 303


def test_a_damaged_file_is_told_in_words(site, erin, file):
    db.session.remove()
    db.engine.dispose()
    for journal in ("-wal", "-shm"):
        file.with_name(file.name + journal).unlink(missing_ok=True)
    file.write_bytes(b"no database at all " * 500)
    answer = erin.get("/inbox")
    assert answer.status_code == 503
    assert "damaged" in answer.text
    ready = site.test_client().get("/readyz")
    assert (ready.status_code, "damaged" in ready.json["database"]) == (503, True)


def test_a_database_that_lacks_a_column_is_told_in_words(site, erin):
    db.session.execute(text("ALTER TABLE portal_task RENAME COLUMN priority TO urgency"))
    db.session.commit()
    ready = site.test_client().get("/readyz")
    assert ready.status_code == 503
    assert "task.priority" in ready.json["schema"]
    answer = erin.get("/inbox")
    assert answer.status_code == 503
    assert "Something broke" not in answer.text


def test_a_click_on_a_busy_process_waits_as_long_as_the_setting_says(site, erin, file, monkeypatch):
    monkeypatch.setattr(retries, "WAITED", 300.0)  # what a busy machine takes besides does not count
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asked = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    answer = erin.post("/flows/note/start/start")
    other.execute("ROLLBACK")
    other.close()
    assert answer.status_code == 503
    assert "Somebody else is working on this process" in answer.text
    assert asked.count("BEGIN IMMEDIATE") == retries.TRIES  # of 0.3 seconds
    assert db.session.scalar(text("PRAGMA busy_timeout")) == 300


@pytest.mark.parametrize("command", [("run", "--port", "0"), ("worker",), ("stats",), ("init-db",)])
@pytest.mark.parametrize("fault", ["damaged", "no folder"])
def test_a_command_says_it_in_one_line(tmp_path, command_here, command, fault):
    file = tmp_path / "none" / "portal.sqlite" if fault == "no folder" else tmp_path / "portal.sqlite"
    if fault == "damaged":
        file.write_bytes(b"no database at all " * 500)
    ended = command_here(tmp_path, *command, PORTAL_FLOWS=",", PORTAL_DATABASE_URL=f"sqlite:///{file}")
    assert ended.code == 1
    assert len(ended.errors.splitlines()) == 1, ended.errors
    assert "database" in ended.errors


def test_a_flow_whose_table_lacks_a_column_is_not_served(tmp_path):
    (tmp_path / "offers.py").write_text(FLOW)
    settings = {"PORTAL_FLOWS": "offers", "PORTAL_DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite'}"}
    assert portal(tmp_path, "init-db", **settings).returncode == 0
    with sqlite3.connect(tmp_path / "portal.sqlite") as connection:
        connection.execute("ALTER TABLE offer_process DROP COLUMN total")
    for command in (("run", "--port", "0"), ("worker",)):
        ended = portal(tmp_path, *command, **settings)
        assert ended.returncode == 1
        assert len(ended.stderr.splitlines()) == 1, ended.stderr
        assert "offer_process.total" in ended.stderr
        assert "portal init-db" in ended.stderr


def test_what_the_portal_makes_is_its_owners_alone(tmp_path, command_here):
    before = os.umask(0)
    try:
        for command in (("init-db",), ("flows", "list"), ("backup", "copy")):
            ended = command_here(tmp_path, *command, PORTAL_FLOWS=",")
            assert ended.code == 0, ended.said
    finally:
        os.umask(before)
    made = [tmp_path / "instance", *(tmp_path / "instance").iterdir(), tmp_path / "copy"]
    assert {each.name for each in made} >= {"instance", "portal.sqlite", "secret_key", "copy"}
    for each in made:
        assert not stat.S_IMODE(each.stat().st_mode) & 0o077, each


def test_what_is_looser_is_tightened(tmp_path, command_here):
    command_here(tmp_path, "init-db", PORTAL_FLOWS=",")
    for each in ((folder := tmp_path / "instance"), *folder.iterdir()):
        each.chmod(0o777 if each.is_dir() else 0o666)
    command_here(tmp_path, "stats", PORTAL_FLOWS=",")
    for each in (folder, *folder.iterdir()):
        assert not stat.S_IMODE(each.stat().st_mode) & 0o077, each


def test_the_journals_are_the_owners_alone_while_people_work(site, erin, file):
    names = [each for each in file.parent.iterdir() if each.name.startswith(file.name)]
    assert len(names) == 3
    assert not any(stat.S_IMODE(each.stat().st_mode) & 0o077 for each in names)
