"""The `portal` command in this process: a program of its own would import all anew."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portal import create_app
from portal.__main__ import main
from portal.models import db


@dataclass(frozen=True)
class Ended:
    """How a command has ended, and what it has said."""

    code: Any
    output: str
    errors: str

    @property
    def said(self) -> str:
        return self.output + self.errors


@pytest.fixture
def command_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ended]]:
    """Run a command to its end: `command_here(folder, "stats", PORTAL_FLOWS=",")`."""
    made = []

    def too_long(*_: Any) -> None:
        raise AssertionError("the command does not end")

    def create(*args: Any) -> Any:
        made.append(create_app(*args))
        return made[-1]

    def run(folder: Path, *words: str, **settings: str) -> Ended:
        capsys.readouterr()
        with monkeypatch.context() as changed:
            for name in [name for name in os.environ if name.startswith("PORTAL_")]:
                changed.delenv(name)
            for name, value in settings.items():
                changed.setenv(name, value)
            changed.chdir(folder)
            changed.setattr("sys.argv", ["portal", *words])
            changed.setattr("sys.path", list(sys.path))
            changed.setattr("portal.app.create_app", create)
            usual = signal.signal(signal.SIGALRM, too_long)
            signal.alarm(300)
            try:
                with pytest.raises(SystemExit) as ended:
                    main()
            finally:
                signal.alarm(0)
                signal.signal(signal.SIGALRM, usual)
        return Ended(ended.value.code or 0, *capsys.readouterr())

    yield run
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
