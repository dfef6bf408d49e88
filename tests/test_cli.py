"""The `portal` command, in a folder of its own."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import pytest

from portal import create_app
from portal.cli import COMMANDS

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "flows").symlink_to(ROOT / "flows")
    return tmp_path


@pytest.fixture
def portal(folder, command_here):
    """Run a command to its end, in this process: `portal("stats")`."""

    def run(*words, code=0, **settings):
        ended = command_here(folder, *words, **settings)
        assert ended.code == code, ended.said
        return ended.said

    return run


def command(*words):
    return [sys.executable, "-c", "from portal.__main__ import main; main()", *words]


def environment(settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def test_a_database_a_person_and_counts(portal):
    for _ in range(2):
        assert "ready" in portal("init-db")
    words = ("create-user", "alice", "--password", "a long password", "--role", "Staff")
    assert "alice can sign in" in portal(*words, "--permission", "hello_world.can_start")
    assert "alice" in portal(*words, code=1), "the name is taken"
    assert re.search(r"due: outbox +rows +0", portal("stats"))


def test_a_person_has_a_mail_address(portal):
    portal("init-db")
    words = ("create-user", "alice", "--password", "a long password", "--email")
    assert "not a mail address" in portal(*words, "alice at home", code=1)
    assert "alice can sign in" in portal(*words, "alice@example.com")


def test_people_and_roles_are_looked_after(portal, folder):
    portal("init-db")
    portal("roles", "set", "Staff", "--permission", "hello_world.can_start")
    assert "/password/" in portal(
        "people", "add", "alice", "--name", "Alice", "--role", "Staff", "--skill", "law"
    )
    assert "can sign in" in portal(
        "people", "add", "bob", "--password", "a long password", "--permission", "admin"
    )
    assert re.search(
        r"^alice +Alice +active +never +Staff$", portal("people", "list", "--role", "Staff"), re.MULTILINE
    )
    assert "department changed" in portal("people", "edit", "alice", "--department", "Law")
    assert "Start: New message (hello_world.can_start)" in portal("roles", "list", "--words")
    portal("roles", "set", "Staff", "--rename", "People", "--member", "bob")
    assert re.search(r"^People +2  hello_world.can_start", portal("roles", "list"), re.MULTILINE)
    assert "last administrator" in portal("people", "deactivate", "bob", code=1)
    assert "alice is deactivated" in portal("people", "deactivate", "alice")
    assert "Erased" in portal("people", "erase", "alice")
    assert "alice" not in portal("people", "list")
    portal("roles", "remove", "People")
    assert "rows are as they were written" in portal("audit", "verify")


def test_mistakes_about_people_are_one_line(portal, folder):
    assert "portal init-db makes them" in portal("people", "list", code=1)
    portal("init-db")
    for words in (
        ("people", "edit", "nobody"), ("people", "deactivate", "nobody"), ("people", "erase", "nobody"),
        ("people", "add", "x", "--role", "None"), ("people", "add", "x", "--email", "no"), ("roles", "remove", "None"),
        ("roles", "set", "R", "--permission", "no.such"), ("roles", "set", "R", "no.such"),
        ("people", "import", "none.csv"), ("flows", "check", "none"), ("audit", "verify", "--expect", "x"),
    ):  # fmt: skip
        said = portal(*words, code=1)
        assert len(said.strip().splitlines()) == 1, said
        assert said.startswith("Error: ")


def test_people_are_imported_after_a_dry_run(portal, folder):
    portal("init-db")
    (folder / "people.csv").write_text("username,roles\nalice,Staff\n")
    assert "1 of 1 people would be added or changed" in portal("people", "import", "people.csv", "--dry-run")
    assert portal("people", "list") == ""
    assert "line 2: alice new; roles: Staff" in portal("people", "import", "people.csv")
    assert "0 of 1 people added or changed" in portal("people", "import", "people.csv")
    (folder / "people.csv").write_text("username,email\nalice,no\n")
    assert "line 2: alice: email:" in portal("people", "import", "people.csv", code=1)


def test_an_audit_that_was_changed_is_told(portal, folder):
    import sqlite3

    portal("init-db")
    portal("people", "add", "alice")
    with sqlite3.connect(folder / "instance" / "portal.sqlite") as database:
        database.execute("UPDATE portal_audit SET action = 'person.changed'")
    assert "row 1 was changed" in portal("audit", "verify", code=1)


def test_rules_of_retention_are_run_after_a_dry_run(portal):
    portal("init-db")
    assert "No flow has a rule of retention" in portal("retention", "run", "--dry-run")
    settings = {"PORTAL_RETENTION": "hello_world: archive after 30 days if DONE"}
    assert "hello_world: would archive 0 processes" in portal("retention", "run", "--dry-run", **settings)
    assert "hello_world: archive 0 processes" in portal("retention", "run", **settings)
    assert "PORTAL_RETENTION" in portal("retention", "run", code=1, PORTAL_RETENTION="hello_world: burn")


def test_an_unknown_permission_is_refused_with_the_known_ones(portal):
    portal("init-db")
    said = portal(
        "create-user", "bob", "--password", "x" * 12, "--permission", "hello_world.can_sing", code=1
    )
    assert "hello_world.can_approve" in said
    assert "Traceback" not in said


def test_flows_are_listed_and_checked(portal):
    assert re.search(r"hello_world +Hello world", portal("flows", "list"))
    assert "leave_request: " in portal("flows", "check")


def test_a_folder_without_flows_has_none_of_ours(portal, folder):
    (folder / "flows").unlink()
    assert portal("flows", "list") == ""
    assert "hello_world" in portal("flows", "list", PORTAL_FLOWS="flows"), "those that are named are read"


def test_the_flows_of_the_folder_come_before_the_examples(folder):
    (folder / "flows").unlink()
    (folder / "flows").mkdir()
    source = (ROOT / "flows" / "hello_world.py").read_text().replace("HelloWorld", "Greeting")
    (folder / "flows" / "greeting.py").write_text(source)
    # In a process of its own: in this one the examples are imported already.
    listed = subprocess.run(
        command("flows", "list"), cwd=folder, env=environment({}), text=True, capture_output=True, check=True
    ).stdout
    assert "greeting" in listed
    assert "hello_world" not in listed


@pytest.mark.parametrize(("form", "root"), [("bpmn", "definitions"), ("svg", "svg")])
def test_a_flow_is_exported(portal, form, root):
    exported = portal("flows", "export", "purchase_order", "--format", form)
    assert ElementTree.fromstring(exported).tag.endswith(root)


def test_an_unknown_flow_is_named_with_those_there_are(portal):
    assert "hello_world" in portal("flows", "export", "hello", code=1)
    said = portal("flows", "list", code=1, PORTAL_FLOWS="no.such")
    assert said == "Error: there is no module 'no': PORTAL_FLOWS names 'no.such'\n"


def test_a_wrong_flow_is_one_line_and_no_traceback(portal, folder):
    (folder / "wrong.py").write_text(
        "from portal import flow, this\n"
        "class WrongFlow(flow.Flow):\n"
        "    start = flow.StartHandle().Next(this.ende)\n"
        "    end = flow.End()\n"
    )
    said = portal("flows", "check", code=1, PORTAL_FLOWS="wrong")
    assert "WrongFlow.start" in said
    assert "this.end" in said
    assert "Traceback" not in said


def test_firing_prints_the_number_alone(portal):
    portal("init-db")
    assert portal("timers", "fire").splitlines()[-1] == "0"


@pytest.mark.parametrize("setting", ["PORTAL_SCHEDULER", "PORTAL_EXECUTOR"])
def test_a_setting_that_means_nothing_is_refused(portal, setting):
    said = portal("flows", "list", code=1, **{setting: "maybe"})
    assert setting in said
    assert "Traceback" not in said


def give_something_to_bob(address):
    """Who is given a task hears of it by mail."""
    people = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def post(path, **values):
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
        return people.open(address + path, urllib.parse.urlencode(values | {"csrf_token": token}).encode())

    page = people.open(f"{address}/login").read().decode()
    post("/login", username="carol", password="portal-demo")
    page = people.open(f"{address}/tasks?state=assigned&flow=leave_request").read().decode()
    for task in re.findall(r'href="/tasks/(\d+)" data-open', page):
        with contextlib.suppress(urllib.error.HTTPError):  # it is suspended, or his already
            post(f"/tasks/{task}/reassign", user="bob")
            return


@pytest.mark.slow  # it is played for seconds; tests/flows/test_demo.py plays it in every run
def test_the_demo_serves_pages_with_its_own_files(folder):
    server = subprocess.Popen(
        command("run", "--demo", "--port", "0"),
        cwd=folder,
        env=environment({"PYTHONUNBUFFERED": "1"}),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        address, said = None, []
        for line in server.stdout:
            said.append(line)
            if found := re.search(r"http://[\d.:]+", line):
                address = found[0]
                break
        assert address, "".join(said)
        answer = urllib.request.urlopen(f"{address}/login", timeout=60)
        page = answer.read().decode()
        port = address.rpartition(":")[2]
        assert answer.headers["Set-Cookie"].startswith(f"portal_session_{port}="), "two may run on one host"
        assert "Sign in" in page
        assert any("alice" in line for line in said)
        for path in re.findall(r'(?:href|src)="(/[^"]*static[^"]+)"', page):
            assert urllib.request.urlopen(address + path, timeout=60).status == 200
        give_something_to_bob(address)
        link = next(line.strip() for line in server.stdout if "/tasks/" in line)
        assert link.startswith(f"{address}/tasks/"), "mail leads to where the portal is served"
    finally:
        server.terminate()
        try:
            assert server.wait(300) == 0
        finally:
            server.kill()
            server.stdout.close()


def test_the_demo_is_not_offered_to_the_network(portal):
    assert "127.0.0.1" in portal("run", "--demo", "--host", "0.0.0.0", code=1)


def test_a_worker_ends_when_it_is_told_to(portal, folder):
    portal("init-db")
    worker = subprocess.Popen(
        command("worker"),
        cwd=folder,
        env=environment({"PYTHONUNBUFFERED": "1"}),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert "worker runs" in worker.stdout.readline()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(300) == 0
    finally:
        worker.kill()
        worker.stdout.close()


def test_flask_offers_the_commands_too():
    app = create_app({"DATABASE_URL": "sqlite://", "TESTING": True, "SCHEDULER": "off"})
    assert {each.name for each in COMMANDS} <= set(app.cli.list_commands(None))
    assert {each.name for each in COMMANDS} == set(app.cli.get_command(None, "portal").list_commands(None))
