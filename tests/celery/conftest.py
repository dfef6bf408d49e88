"""A portal on Celery: its clock in this process, its Celery worker as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import flows_of_celery
import pytest

from portal import create_app
from portal.models import db, init_db

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@pytest.fixture(scope="session")
def site(broker, tmp_path_factory):
    """A folder with a database, and the settings of a portal on Celery."""
    folder = tmp_path_factory.mktemp("site")
    return {
        "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite'}",
        "FLOWS": flows_of_celery.__name__,
        "EXECUTOR": "celery",
        "CELERY_BROKER_URL": broker.url,
        "CELERY_PATIENCE": "2",
        "SECRET_KEY": "x",
    }


@pytest.fixture
def portal(site, broker, monkeypatch):
    """The application whose clock sends the messages."""
    folder = Path(site["DATABASE_URL"].removeprefix("sqlite:///")).parent
    monkeypatch.setattr(flows_of_celery, "FOLDER", folder)
    app = create_app({**site, "TESTING": True})
    app.folder = folder
    scheduler = app.extensions["portal_scheduler"]
    with app.app_context():
        init_db()
        scheduler.start("worker")
        yield app
        for log in (folder / "worker.log", broker.folder / "log"):  # shown where the test has failed
            print(f"{log.name}: {log.read_text(errors='replace')[-5000:]}" if log.exists() else "")
        scheduler.stop(5)
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture(scope="session")
def celery_worker(site):
    """`celery -A portal.celery.app worker`, started by the first test that wants it."""
    folder = Path(site["DATABASE_URL"].removeprefix("sqlite:///")).parent
    app = create_app({**site, "TESTING": True})
    with app.app_context():
        init_db()
        db.engine.dispose()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    with (folder / "worker.log").open("w") as log:
        made = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "portal.celery.app", "worker", "-c", "2", "-l", "INFO"],
            cwd=folder,
            env={
                **kept,
                **{f"PORTAL_{name}": value for name, value in site.items()},
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)]),
                "TEST_FOLDER": str(folder),
            },
            stdout=log,
            stderr=log,
        )
    yield made
    made.terminate()
    try:
        made.wait(60)
    finally:
        made.kill()
        print((folder / "worker.log").read_text())
