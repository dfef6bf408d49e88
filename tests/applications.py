"""Applications that tests share: to make one takes ten times as long as to empty its database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Engine, event

from portal import create_app
from portal.models import Passwords, db
from portal.testing.database import empty_database


class Applications:
    """Lends applications with an empty database, one for each way to configure them.

    A test may change the configuration, the extensions and the flows of what it is lent: they are put back. A test that
    changes more makes an application of its own.

    Args:
        folder: where the compiled templates of all of them, and of those of the other workers, are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._templates = FileSystemBytecodeCache(str(folder))
        self._made: dict[Any, Flask] = {}
        self._first: dict[str, Engine] = {}
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
        app = create_app({**settings, "TESTING": True, "WTF_CSRF_ENABLED": False, "SCHEDULER": "off"})
        app.jinja_env.bytecode_cache = self._templates
        with app.app_context():
            self._share_compiled(db.engine)
            if db.engine.dialect.name == "sqlite":
                event.listen(db.engine, "connect", _forget_durability)
        return app

    def _share_compiled(self, engine: Engine) -> None:
        """Give every engine of one kind one cache: each would compile the same SQL anew."""
        first = self._first.setdefault(engine.dialect.name, engine)
        engine.dialect = engine.pool._dialect = first.dialect  # the cache is kept by the dialect
        engine._compiled_cache = first._compiled_cache

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


def _forget_durability(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")
