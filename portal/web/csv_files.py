"""Tables as CSV files: sent row by row, safe to open in a spreadsheet, and kept in the audit as an export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask import Response, stream_with_context

from portal.engine import audit
from portal.engine.audit import Entry

from .export import safe
from .layout import me
from .writing import writing


def note_export(name: str, **detail: Any) -> None:
    """Keep in the audit that somebody takes a list away. What was read before is read again."""
    user_id = me().id
    with writing() as session:
        audit.append(session, [Entry("export", user_id, "list", name, detail)])


def as_csv(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A file of this name, to be saved."""
    answer = Response(stream_with_context(_lines(head, rows)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _lines(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([safe(cell) for cell in head])
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
        if text.tell() > 16_000:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
