"""Errands in a database of a test's own; and what a run of chaos says, at the end of the tests."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from portal.models import Outgoing, Task, db

HOOK = "https://hooks.example"


@dataclass
class Books:
    """What the auditor reads, all of it in order."""

    process: int
    said: Any
    keys: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def session(self) -> Any:
        return db.session()

    def task(self, node: str) -> Task:
        query = select(Task).where(Task.flow_task == node).order_by(Task.id.desc()).limit(1)
        return self.session.scalars(query).one()

    def send(self) -> None:
        """Everything that was to be sent has arrived."""
        for row in self.session.scalars(select(Outgoing).order_by(Outgoing.id)):
            row.scheduled, row.sent = None, row.created
            self.keys[row.process_id].append(row.key)
        self.session.commit()

    def faults(self) -> list[str]:
        from tests.chaos.auditor import faults

        self.session.rollback()
        self.session.expire_all()
        return faults(self.session, self.said, self.keys)


@pytest.fixture
def errand(postgresql: str, monkeypatch: pytest.MonkeyPatch, flow_of_chaos: Any) -> Any:
    """An errand that alice has started, all of its branches waiting, and the news going round."""
    run = flow_of_chaos.start("start", user="alice", text="to the baker")
    run.advance(seconds=3)
    return run


@pytest.fixture
def flow_of_chaos(_on_postgresql: None, flow_tester: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from tests.chaos import errand as module

    monkeypatch.setattr(module, "DURATIONS", (0,))
    monkeypatch.setattr(module, "FAILING", 0)
    for each in (module.NewsFlow, module.ParcelFlow, module.LetterFlow, module.ErrandFlow):
        monkeypatch.setattr(each, "process_webhooks", [] if each is module.NewsFlow else [HOOK])
        run = flow_tester(each)
    return run


@pytest.fixture
def _on_postgresql(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TEST_DATABASE_URL", postgresql)
    monkeypatch.setenv("PORTAL_FLOWS", ",")


@pytest.fixture
def books(errand: Any) -> Books:
    from tests.chaos.clients import Acknowledged

    said = Acknowledged()
    said.started.append("to the baker")
    return Books(errand.process.id, said)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What chaos was made, and its seed, also where all went well."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for line in dict(report.user_properties).get("chaos", ()):
                terminalreporter.write_line(f"chaos: {line}")
