"""Figures for Prometheus: what this process did, and what the database says is waiting."""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import REGISTRY
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal import queries
from portal.engine import transaction
from portal.queries.figures import Figures

log = logging.getLogger("portal.actions")

#: of its time that the database may spend on these figures
SHARE = 0.1

ACTIONS = Counter("portal_actions", "Changes of state by flow and action", ["flow", "action"])
ACTION_SECONDS = Histogram("portal_action_seconds", "From the lock to the commit of one action")
REQUEST_SECONDS = Histogram("portal_request_seconds", "Answers to requests", ["method", "endpoint", "status"])


@lru_cache(maxsize=4096)
def _counter(key: tuple[str, str]) -> Any:
    """That of a flow and an action; to ask for it by its labels takes longer than to count."""
    return ACTIONS.labels(*key)


@lru_cache(maxsize=4096)
def request_seconds(method: str, endpoint: str, status: str) -> Any:
    """That of these labels."""
    return REQUEST_SECONDS.labels(method, endpoint, status)


def _count(counts: Mapping[tuple[str, str], int], seconds: float) -> None:
    for key, number in counts.items():
        _counter(key).inc(number)
    ACTION_SECONDS.observe(seconds)
    if counts and log.isEnabledFor(logging.INFO):
        done = {f"{flow}.{action}": number for (flow, action), number in counts.items()}
        log.info("done %s", done, extra={"done": done, "milliseconds": round(seconds * 1000, 1)})


transaction.observe(_count)


class Waiting:
    """What the database says: the same from every process, and not asked again at once where that takes long."""

    def __init__(
        self, session: Callable[[], Session], now: Callable[[], dt.datetime], share: float = SHARE
    ) -> None:
        self.session, self.now, self.share = session, now, share
        self._reading = threading.Lock()
        self._kept: Figures | None = None
        self._until = 0.0

    def collect(self) -> Iterable[Metric]:
        try:
            figures = self._read()
        except SQLAlchemyError as error:  # what this process has counted is told all the same
            log.warning("the database does not say what waits: %s", type(error).__name__, exc_info=error)
            figures = None
        yield _gauge("portal_database_up", "Whether the database answers", [], {(): figures is not None})
        if figures is None:
            return
        yield _gauge("portal_tasks_open", "Open tasks", ["flow", "state"], figures.open)
        yield _gauge(
            "portal_tasks_late", "People's tasks that are past their due moment", ["flow"], figures.late
        )
        yield _gauge("portal_queue", "Rows that wait for a worker and are due", ["queue"], figures.due)
        yield _gauge(
            "portal_queue_age_seconds", "How long the oldest of them is due", ["queue"], figures.ages
        )
        yield _gauge(
            "portal_outbox_given_up", "Mails and hooks that could not be sent", ["kind"], figures.given_up
        )

    def _read(self) -> Figures:
        with self._reading:
            if self._kept is None or time.monotonic() >= self._until:
                began = time.perf_counter()
                try:
                    self._kept = queries.figures(self.session(), self.now())
                finally:
                    self.session().rollback()
                self._until = time.monotonic() + (time.perf_counter() - began) / self.share
            return self._kept


def _gauge(name: str, text: str, labels: list[str], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key) if isinstance(key, tuple) else [key], value)
    return family


def exposition(waiting: Waiting) -> bytes:
    """All figures in Prometheus's text format.

    Where several processes serve, `PROMETHEUS_MULTIPROC_DIR` names a folder in which they add theirs up.
    """
    counted: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        counted = CollectorRegistry()
        multiprocess.MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    asked = CollectorRegistry()
    asked.register(waiting)
    return generate_latest(counted) + generate_latest(asked)
