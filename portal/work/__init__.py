"""Alarm clocks: they call the engine's clock and decide nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from portal.config import Config


def init_app(app: Flask, settings: Config) -> None:
    from .scheduler import Scheduler

    app.extensions["portal_scheduler"] = Scheduler(app)
