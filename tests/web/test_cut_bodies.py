"""A form whose connection is cut is refused, under every server that we name."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from portal import create_app
from portal.models import Process, create_user, db, init_db
from tests.ports import free_port

PASSWORD = "correct horse"
FLOW = """
from portal import flow, jsonstore, this, views
from portal.models import Process

class CutProcess(Process):
    number = jsonstore.IntegerField("Number", required=True)

class CutFlow(flow.Flow):
    process_class = CutProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["number"])).Next(this.end)
    end = flow.End()
"""
SITE = """
from portal import create_app
app = create_app({"WTF_CSRF_ENABLED": False})
"""
SERVERS = {
    "gunicorn": ["-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--threads", "2", "site_of_cuts:app"],
    "waitress": ["-m", "waitress", "--listen=127.0.0.1:{port}", "site_of_cuts:app"],
    "werkzeug": ["-m", "flask", "--app", "site_of_cuts:app", "run", "--port", "{port}"],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with a flow, and the database of it."""
    folder = tmp_path_factory.mktemp("cuts")
    (folder / "flows_of_cuts.py").write_text(FLOW)
    (folder / "site_of_cuts.py").write_text(SITE)
    url = f"sqlite:///{folder / 'portal.sqlite'}"
    app = create_app({"DATABASE_URL": url, "FLOWS": [], "SCHEDULER": "off", "TESTING": True})
    with app.app_context():
        init_db()
        create_user("ann", PASSWORD, is_superuser=True)
        db.engine.dispose()
    environment = {
        **os.environ, "PORTAL_DATABASE_URL": url, "PORTAL_FLOWS": "flows_of_cuts", "PORTAL_SCHEDULER": "off",
        "PORTAL_SECRET_KEY": "x" * 32, "PYTHONPATH": os.pathsep.join([str(folder), os.getcwd()]),
    }  # fmt: skip
    return app, folder, environment


@pytest.fixture(scope="module", params=SERVERS)
def server(request, site):
    """A server, by its port and a cookie of somebody who is signed in."""
    _, folder, environment = site
    port = free_port()
    command = [part.format(port=port) for part in SERVERS[request.param]]
    with (folder / f"{request.param}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        until = time.monotonic() + 300
        while not _answers(port):
            assert process.poll() is None, (folder / f"{request.param}.log").read_text()
            assert time.monotonic() < until, (folder / f"{request.param}.log").read_text()
            time.sleep(0.1)
        body = f"username=ann&password={PASSWORD.replace(' ', '+')}".encode()
        answer = _send(port, "/login", [f"Content-Length: {len(body)}"], body, "")
        cookie = re.search(rb"Set-Cookie: (portal_session=[^;]+)", answer)
        assert cookie, answer
        yield request.param, port, cookie[1].decode()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(300)


def _answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _send(port, path, headers, body, cookie, kind="application/x-www-form-urlencoded"):
    """Send this and close our half of the connection; what comes back."""
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {kind}", f"Cookie: {cookie}",
            "Connection: close", *headers]  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


MULTIPART = b'--b\r\nContent-Disposition: form-data; name="number"\r\n\r\n10\r\n--b--\r\n'
#: content type, what announces the body, the body, and how much of it arrives when it is cut
BODIES = {
    "a form": ("application/x-www-form-urlencoded", "Content-Length: 9", b"number=10", 8),
    "none of a form": ("application/x-www-form-urlencoded", "Content-Length: 9", b"number=10", 0),
    "a form with files": ("multipart/form-data; boundary=b", f"Content-Length: {len(MULTIPART)}", MULTIPART, 50),
    "the last line": ("multipart/form-data; boundary=b", f"Content-Length: {len(MULTIPART)}", MULTIPART, -3),
    "in a chunk": (
        "application/x-www-form-urlencoded", "Transfer-Encoding: chunked",
        b"7\r\nnumber=\r\n2\r\n10\r\n0\r\n\r\n", 16,
    ),
    "between chunks": (
        "application/x-www-form-urlencoded", "Transfer-Encoding: chunked",
        b"8\r\nnumber=1\r\n1\r\n0\r\n0\r\n\r\n", 13,
    ),
}  # fmt: skip


def numbers(site):
    app, *_ = site
    with app.app_context():
        found = db.session.execute(db.select(Process.__table__.c.data)).scalars().all()
        db.session.remove()
        db.engine.dispose()
    return [data["number"] for data in found]


@pytest.mark.parametrize("name", BODIES)
def test_what_is_cut_is_400_and_stores_nothing(site, server, name):
    kind, port, cookie = server
    content_type, length, body, arrives = BODIES[name]
    before = numbers(site)
    answer = _send(port, "/flows/cut/start/start", [length], body[:arrives], cookie, content_type)
    # waitress calls nobody before all of a body is there, and has hung up by then
    assert answer.startswith(b"HTTP/1.1 400") or (kind == "waitress" and answer == b""), answer[:200]
    assert numbers(site) == before
    answer = _send(port, "/flows/cut/start/start", [length], body, cookie, content_type)
    assert b" 303 " in answer.splitlines()[0], answer[:300]
    assert numbers(site) == [*before, 10]
