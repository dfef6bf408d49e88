"""Background work: the scheduler, workers, executors of jobs, and the senders of mail and web hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from portal.config import Config


def init_app(app: Flask, settings: Config) -> None:
    from . import executor, outbox
    from .scheduler import Scheduler

    outbox.init_app(app, settings)
    app.extensions["portal_scheduler"] = Scheduler(app, executor.make(settings.executor, app), settings)
