"""What `q=` finds: a number, the words of a step, or anything in the data."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import String, and_, cast, or_

from portal.flow import registry
from portal.models import Process, Task

#: a search for more than this is a search for its beginning
_LONGEST = 100


def cleaned(text: str) -> str:
    """A search as the database can take it."""
    return " ".join(text.replace("\0", " ").split())[:_LONGEST]


def process_matches(text: str) -> Any:
    """Processes with this number, or with these letters in their data or in the title of their flow."""
    ways = [_in_data(text)]
    number = _number(text)
    if number is not None:
        ways.append(Process.id == number)
    labels = [label for label, flow in registry.items() if text.lower() in flow._definition.title.lower()]
    if labels:
        ways.append(Process.flow_label.in_(labels))
    return or_(*ways)


def task_matches(text: str) -> Any:
    """Tasks of such processes, or of a step that is called so."""
    ways = [process_matches(text)]
    number = _number(text)
    if number is not None:
        ways.append(Task.id == number)
    for label, flow in registry.items():
        names = [node.name for node in flow._definition.nodes.values() if text.lower() in node.title.lower()]
        if names:
            ways.append(and_(Process.flow_label == label, Task.flow_task.in_(names)))
    return or_(*ways)


def _number(text: str) -> int | None:
    digits = text.removeprefix("#")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    return int(digits)


def _in_data(text: str) -> Any:
    column = cast(Process.data, String)
    # The document is stored with or without escapes, as the database likes it.
    spellings = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return or_(*(column.icontains(spelling, autoescape=True) for spelling in sorted(spellings)))
