"""The guide's Celery sample on real brokers, started by the two commands of docs/running.md."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from brokers import RabbitMQ, Redis, running
from eventually import PATIENCE, eventually

from portal.flow.registry import registry
from portal.models import Process, db, init_db

ROOT = Path(__file__).parents[2]


def sample() -> str:
    """The sample as a module of its own, without its test."""
    guide = (ROOT / "docs" / "flows.md").read_text("utf-8")
    block = re.search(r"### celery\.Job\n.*?```python\n(.*?)```", guide, re.DOTALL)
    assert block is not None
    return f"from portal import flow, this\n\n{block[1].partition('def test_')[0]}"


def commands() -> list[list[str]]:
    """What the document says, with the programs of this Python and the settings of the fixture."""
    document = (ROOT / "docs" / "running.md").read_text("utf-8")
    block = re.search(r"## Jobs on Celery\n.*?```\n(.*?)```", document, re.DOTALL)
    assert block is not None
    programs = Path(sys.executable).parent
    typed = [[word for word in line.split() if "=" not in word] for line in block[1].splitlines()]
    return [[str(programs / name), *rest] for name, *rest in typed]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of somebody's with the sample among the flows."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "__init__.py").touch()
    (tmp_path / "flows" / "greetings_of_the_guide.py").write_text(sample())
    monkeypatch.syspath_prepend(tmp_path / "flows")
    monkeypatch.setenv("PORTAL_FLOWS", "greetings_of_the_guide")
    return tmp_path


@pytest.fixture(params=[Redis, RabbitMQ], ids=["redis", "rabbitmq"])
def broker(request, tmp_path):
    """One of its own: on RabbitMQ two Celery workers of one name and one machine are in each other's way."""
    (tmp_path / "broker").mkdir()
    yield from running(request.param, tmp_path / "broker")


@pytest.fixture
def started(folder, app, broker, database_url):
    init_db()
    db.session.remove()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    settings = {
        "PORTAL_DATABASE_URL": database_url, "PORTAL_SECRET_KEY": "x", "PORTAL_EXECUTOR": "celery",
        "PORTAL_CELERY_BROKER_URL": broker.url, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    with (folder / "log").open("w") as log:
        made = [
            subprocess.Popen(words, cwd=folder, env=kept | settings, stdout=log, stderr=log)
            for words in commands()
        ]
    assert len(made) == 2, "it takes two commands"
    yield made
    for each in made:
        each.kill()
        each.wait()
    print((folder / "log").read_text())


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_sample_runs_on_a_real_broker(started):
    process = registry["greeting"].start.run()

    def done():
        db.session.rollback()
        return db.session.get_one(Process, process.id, populate_existing=True).status == "DONE"

    eventually(done)
    assert process.data["text"] == "Background Processing Done"
    for each in started:
        each.send_signal(signal.SIGTERM)
    assert [each.wait(PATIENCE) for each in started] == [0, 0]
