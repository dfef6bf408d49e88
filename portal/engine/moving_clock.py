"""The engine's clock, which tests can move."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextvars import ContextVar

from portal.models import utcnow

clock: ContextVar[Callable[[], dt.datetime]] = ContextVar("clock", default=utcnow)
