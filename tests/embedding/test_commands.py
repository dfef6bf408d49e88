"""The commands in the shop, as `flask --app shop portal …`, and a worker of its own process that finds the shop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from eventually import eventually
from shop.models import Refund
from shop.models import db as shop_db
from shop_host import ROOT, SHOP
from sqlalchemy import select

from portal import celery
from portal.flow.registry import registry
from portal.models import Process, db


def flask(*arguments, url):
    """The command in a process of its own."""
    environment = {
        **os.environ,
        "SHOP_SQLALCHEMY_DATABASE_URI": url,
        "PYTHONPATH": f"{SHOP}{os.pathsep}{ROOT}",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "shop", *arguments],
        cwd=SHOP, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_the_commands_are_in_a_group_of_their_own(app):
    said = app.test_cli_runner().invoke(args=["portal", "--help"]).output
    for name in ("init-db", "worker", "flows", "timers", "stats"):
        assert name in said
    runner = app.test_cli_runner()
    assert runner.invoke(args=["portal", "init-db"]).output == "The database is ready.\n"
    assert "refund: " in runner.invoke(args=["portal", "flows", "check"]).output
    assert "init-db" not in app.test_cli_runner().invoke(args=["--help"]).output


@pytest.mark.slow
def test_a_worker_finds_the_shop_and_does_its_jobs(app, sign_in, shop_url):
    sent = sign_in("claire").post(
        "/work/flows/refund/start/start", data={"order": "1", "amount": "9.00", "reason": "Late"}
    )
    assert sent.status_code == 303
    manager = sign_in("max")
    manager.post("/work/tasks/2/assign")
    assert manager.post("/work/tasks/2/execute", data={"agreed": "true"}).status_code == 303
    worker = flask("portal", "worker", url=shop_url)
    try:
        with app.app_context():

            def is_done():
                shop_db.session.rollback()
                return db.session.scalar(select(Process.status)) == "DONE"

            eventually(is_done)
            assert shop_db.session.scalar(select(Refund.paid)) is True
    finally:
        worker.send_signal(signal.SIGTERM)
        said = worker.communicate(timeout=300)[0]
        print(said)  # shown where the test has failed
    assert worker.returncode == 0, said


def test_celery_serves_the_application_that_is_named(app, monkeypatch):
    monkeypatch.setenv("PORTAL_APP", "shop:create_app")
    monkeypatch.syspath_prepend(str(SHOP))
    made = celery._application()
    with made.app_context():
        assert list(registry) == ["refund"]


def test_the_shops_own_tests_pass():
    """The portal's tester looks at the pages of forms, also in an application that has its own people."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", SHOP, "-c", os.devnull, "tests"],
        cwd=SHOP, env={**os.environ, "PYTHONPATH": f"{SHOP}{os.pathsep}{ROOT}"}, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
