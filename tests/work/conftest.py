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
def worker(shared, database_url, tmp_path):
    """Start a worker; the fixture ends all of them."""
    made = []

    def start(*words, **settings):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "portal", "worker", *words],
            cwd=tmp_path,
            env={
                **kept,
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)]),
                "PORTAL_DATABASE_URL": database_url,
                "PORTAL_FLOWS": flows_of_workers.__name__,
                **settings,
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        made.append(process)
        line = process.stdout.readline()
        assert "worker runs" in line, line + process.stdout.read()
        return process

    yield start
    for each in made:
        each.kill()
        each.wait()
        each.stdout.close()
