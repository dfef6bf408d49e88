"""Workers in processes of their own, on each database."""

import os
import subprocess
import sys
from pathlib import Path

import flows_of_workers
import pytest

from portal.flow.registry import registry
from portal.models import init_db

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def shared(app):
    """The application of the test, with the flows that its workers have too."""
    for flow_class in (flows_of_workers.PauseFlow, flows_of_workers.MinuteFlow, flows_of_workers.LongFlow):
        app.extensions["portal_flows"].register(flow_class)
    init_db()
    assert set(registry) == {"pause", "minute", "long"}
    return app


@pytest.fixture
def process(database_url, tmp_path):
    """Start the process of a worker; the fixture ends all of them."""
    made = []

    def start(*words, **settings):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        made.append(
            subprocess.Popen(
                [sys.executable, "-m", "portal", "worker", *words],
                cwd=tmp_path,
                env={
                    **kept,
                    "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)]),
                    "PYTHONUNBUFFERED": "1",
                    "PORTAL_DATABASE_URL": database_url,
                    "PORTAL_FLOWS": flows_of_workers.__name__,
                    **settings,
                },
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        )
        return made[-1]

    yield start
    for each in made:
        each.kill()
        each.wait()
        print(each.stdout.read())  # shown where the test has failed
        each.stdout.close()


@pytest.fixture
def worker(shared, process):
    """Start a worker, and wait until it runs."""

    def start(*words, **settings):
        made = process(*words, **settings)
        line = made.stdout.readline()
        assert "worker runs" in line, line + made.stdout.read()
        return made

    return start
