"""Applications that tests share: to make one takes ten times as long as to empty its database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from jinja2 import Environment, FileSystemBytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine, event

from portal import create_app, databases
from portal.models import Passwords, db
from portal.testing.database import empty_database


class Applications:
    """Lends applications with an empty database, one for each way to configure them.

    A test may change the configuration, the extensions and the flows of what it is lent: they are put back. A test that
    changes more makes an application of its own.
    """

    def __init__(self) -> None:
        self._made: dict[Any, Flask] = {}
        self._last: Flask | None = None

    @contextmanager
    def lend(self, **settings: Any) -> Iterator[Flask]:
        """An application, its context open; `settings` go to `create_app`, and so does the environment."""
        environment = {name: value for name, value in os.environ.items() if name.startswith("PORTAL_")}
        key = repr(sorted(settings.items())), repr(sorted(environment.items()))
        app = self._made.get(key) or self._made.setdefault(key, self._make(settings))
        Passwords.cheap = app.testing  # also if another application came since
        if self._last is not app:  # the one that is lent again keeps its connections
            self._disconnect()
            self._last = app
        flows = app.extensions["portal_flows"]
        kept = (app.config, dict(app.config)), (app.extensions, dict(app.extensions)), (flows, dict(flows))
        with app.app_context():
            empty_database()
            try:
                yield app
            finally:
                db.session.remove()
                for mapping, content in kept:
                    mapping.clear()
                    mapping.update(content)

    def _make(self, settings: dict[str, Any]) -> Flask:
        return create_app({**settings, "TESTING": True, "WTF_CSRF_ENABLED": False, "SCHEDULER": "off"})

    def _disconnect(self) -> None:
        if self._last is not None:
            with self._last.app_context():
                for engine in db.engines.values():
                    engine.dispose()

    def close(self) -> None:
        """Let go of the connections, and of what keeps databases in memory alive."""
        self._disconnect()
        for app in self._made.values():
            held = app.extensions.get("portal_memory")
            if held is not None:
                held.close()
                with app.app_context():
                    db.engine.dispose()


def keep_compiled(folder: Path) -> None:
    """Have no application compile a template that another one of this run has, or a statement twice.

    Args:
        folder: where the compiled templates are kept; the other workers have the same.
    """
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Templates(str(folder))}
    databases.STATEMENTS = 10_000  # all tests together send more than a process of the portal does


def spare_the_disk() -> None:
    """Let SQLite wait for no disk: a test needs no durability."""
    for name in ("prepare_engine", "prepare_guest_engine"):
        setattr(databases, name, _sparing(getattr(databases, name)))


def _sparing(prepare: Callable[..., None]) -> Callable[..., None]:
    def prepared(engine: Engine, *limits: float) -> None:
        prepare(engine, *limits)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _spare)  # once, however often an engine is prepared

    return prepared


def _spare(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


class _Templates(FileSystemBytecodeCache):
    """A host may set Jinja as it likes: the same template becomes another program then."""

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        of_jinja = (
            *(getattr(environment, each) for each in SYNTAX),
            environment.autoescape,
            sorted(environment.extensions),
        )
        return super().get_bucket(environment, f"{name} {of_jinja}", filename, source)


#: what decides how a template is read
SYNTAX = (
    "block_start_string", "block_end_string", "variable_start_string", "variable_end_string", "comment_start_string",
    "comment_end_string", "line_statement_prefix", "line_comment_prefix", "trim_blocks", "lstrip_blocks",
    "newline_sequence", "keep_trailing_newline", "optimized",
)  # fmt: skip
