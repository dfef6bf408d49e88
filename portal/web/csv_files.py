"""Tables as CSV files: sent row by row, safe to open in a spreadsheet, and kept in the audit as an export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from flask import Response, stream_with_context

from portal.engine import audit
from portal.engine.audit import Entry

from .flows import attachment
from .layout import me
from .writing import writing

#: a text that begins so is a formula to a spreadsheet
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def note_export(name: str, **detail: Any) -> None:
    """Keep in the audit that somebody takes a list away. What was read before is read again."""
    user_id = me().id
    with writing() as session:
        audit.append(session, [Entry("export", user_id, "list", name, detail)])


def as_csv(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A file of this name, to be saved."""
    answer = Response(stream_with_context(csv_lines(chain([head], rows))), mimetype="text/csv")
    answer.headers["Content-Disposition"] = attachment(f"{name}.csv")
    return answer


def csv_lines(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The text of a table, a piece at a time."""
    text = io.StringIO()
    text.write("\ufeff")  # by which spreadsheets know UTF-8
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
        if text.tell() > 16_000:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def safe(value: Any) -> Any:
    """A value for a cell: what a spreadsheet would take for a formula is text behind an apostrophe."""
    if not isinstance(value, str):
        return value
    text = str(value)  # of a lazy one what it is in the reader's language
    return f"'{text}" if text.startswith(_FORMULA) else text
