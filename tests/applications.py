"""Applications that tests share: to make one takes ten times as long as to empty its database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

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


def share_compiled(folder: Path) -> None:
    """Have every application of this run compile neither templates nor SQL that another one has compiled.

    Args:
        folder: where the compiled templates are kept; the other workers have the same.
    """
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Templates(str(folder))}
    engines = _Engines()
    for name in ("prepare_engine", "prepare_guest_engine"):
        setattr(databases, name, engines.after(getattr(databases, name)))


class _Engines:
    """What the engines of all applications of one kind share, from their first connection on."""

    def __init__(self) -> None:
        self._seen: WeakSet[Engine] = WeakSet()
        self._first: dict[Any, Engine] = {}

    def after(self, prepare: Callable[..., None]) -> Callable[..., None]:
        def prepared(engine: Engine, *limits: float) -> None:
            prepare(engine, *limits)
            if engine not in self._seen:
                self._seen.add(engine)
                event.listen(
                    engine, "connect", lambda connection, _record: self._connected(engine, connection)
                )

        return prepared

    def _connected(self, engine: Engine, connection: Any) -> None:
        dialect = engine.dialect
        if dialect.name == "sqlite":  # a test needs no durability
            connection.execute("PRAGMA synchronous=OFF")
        key = type(dialect), dialect._json_serializer, dialect._json_deserializer  # type: ignore[attr-defined]
        first = self._first.setdefault(key, engine)
        if first is engine:
            engine._compiled_cache.capacity = MOST_STATEMENTS  # type: ignore[union-attr]
        else:
            engine.dialect = engine.pool._dialect = first.dialect  # the cache is kept by the dialect
            engine._compiled_cache = first._compiled_cache


#: what all tests together send, of which one application sends less by far
MOST_STATEMENTS = 10_000


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
