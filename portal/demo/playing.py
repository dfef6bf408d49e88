"""Runs the simulation of a company: quickly, and without a word on the terminal."""

from __future__ import annotations

import datetime as dt
import gc
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from portal.models import db

from .company import Company
from .simulation import Simulation


def play(company: Company, now: dt.datetime) -> None:
    """Let the people of a company work until a moment. Nobody gets mail of it."""
    gc.freeze()  # what is there stays, and need not be looked at each time
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    state = random.getstate()
    random.seed(company.seed)  # which waits of retries are drawn from
    try:
        with _quickly(), _quietly(), db.engine.connect() as reader:
            Simulation(company, now, _by_itself(reader)).run()
    finally:
        random.setstate(state)
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _by_itself(reader: Connection) -> Connection:
    """The connection, with which what is read is no part of a transaction. On SQLite none begins unless we say so."""
    if reader.dialect.name == "sqlite":
        return reader
    return reader.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def _quickly() -> Iterator[None]:
    """On SQLite, do not wait for the disk at each of some thousand commits: what a crash loses is made again."""
    engine = db.engine
    if engine.dialect.name != "sqlite":
        yield
        return

    quick: list[Any] = []

    def out(connection: Any, record: Any, _proxy: Any) -> None:
        if connection not in quick:
            quick.append(connection)
            connection.execute("PRAGMA synchronous=OFF")

    event.listen(engine, "checkout", out)
    try:
        yield
    finally:
        db.session.remove()
        event.remove(engine, "checkout", out)
        for connection in quick:
            connection.execute("PRAGMA synchronous=FULL")


@contextmanager
def _quietly() -> Iterator[None]:
    """What fails in the demo is meant to, and nobody has to be told on the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
