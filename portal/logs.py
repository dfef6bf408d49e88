"""Formats the log, as text or as JSON lines, each with the id of the request or job that it belongs to."""

from __future__ import annotations

import logging
import sys

from portal import trace

FORMATS = ("text", "json")
_TEXT = "%(asctime)s %(levelname)-7s %(name)s %(trace)s %(message)s"


class _Traced(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.trace = trace.current.get() or "-"
        return True


def _formatter(form: str) -> logging.Formatter:
    if form == "text":
        return logging.Formatter(_TEXT)
    try:
        from pythonjsonlogger.json import JsonFormatter
    except ImportError as error:
        raise ValueError(
            "PORTAL_LOG is json, which needs the extra `prod`: pip install 'flask-flow-portal[prod]'"
        ) from error
    # What a line is given as `extra` becomes fields of their own.
    return JsonFormatter(
        ["asctime", "levelname", "name", "trace", "message"],
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
    )


def configure(form: str | None) -> None:
    """Write the portal's log to the standard error; may be repeated.

    Args:
        form: `text` or `json`. None leaves logging to the program that the portal is part of.

    Raises:
        ValueError: there is no such form, or its library is not installed.
    """
    if form is None:
        return
    if form not in FORMATS:
        raise ValueError(f"PORTAL_LOG is {form!r}; it can be {' or '.join(FORMATS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name("portal")
    handler.setFormatter(_formatter(form))
    handler.addFilter(_Traced())
    logger = logging.getLogger("portal")
    logger.handlers = [each for each in logger.handlers if each.get_name() != "portal"]
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
