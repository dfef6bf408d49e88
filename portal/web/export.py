"""Lists as files: all that is filtered, not just the page; CSV, XLSX, and processes as an event log (XES)."""

from __future__ import annotations

import datetime as dt
import decimal
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from flask import Response, stream_with_context
from sqlalchemy import select

from portal import queries, summaries
from portal.language import gettext as _
from portal.models import Event, Process, Task, User, db
from portal.queries import LISTS, Filters, Page

from . import xes
from .csv_files import csv_lines, safe
from .display.moments import zone
from .display.states import ATTENTION, process_state, task_state
from .display.values import field_value
from .flows import attachment
from .layout import me, preferences

#: rows are read so many at a time, and no file has more
_CHUNK, _MOST = 500, 200_000
FORMATS = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
           "xes": "application/xml"}  # fmt: skip


def export(name: str, filters: Filters, file_format: str) -> Response:
    """A list as a file.

    Args:
        name: of the list.
        file_format: one of `FORMATS`; `xes` of a list of processes only.
    """
    first = _page(name, filters, "")
    pages = chain([first], _pages(name, filters, first))
    make: dict[str, Any] = {"csv": _csv, "xlsx": _xlsx, "xes": _xes}
    rows = pages if file_format == "xes" else _rows(name, pages)
    body = make[file_format](rows)
    if first.after:  # the rest is read while it is sent
        body = stream_with_context(body)
    else:
        body = list(body)
    response = Response(body, mimetype=FORMATS[file_format])
    response.headers["Content-Disposition"] = attachment(f"{name}.{file_format}")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def offers(name: str, file_format: str) -> bool:
    return file_format in FORMATS and (file_format != "xes" or LISTS[name].model is Process)


def _page(name: str, filters: Filters, after: str) -> Page:
    return queries.read(db.session(), me(), name, replace(filters, after=after), _CHUNK)


def _pages(name: str, filters: Filters, page: Page) -> Iterator[Page]:
    """The pages behind this one."""
    read = len(page)
    while page.after and read < _MOST:
        page = _page(name, filters, page.after)
        read += len(page)
        yield page


def _rows(name: str, pages: Iterable[Page]) -> Iterator[list[Any]]:
    """The heads, then a line for each row."""
    of_tasks = LISTS[name].model is Task
    first = True
    for page in pages:
        if first:
            extra = [column.label for column in page.columns]
            yield [*(_task_heads() if of_tasks else _process_heads()), *extra]
            first = False
        attention = {} if of_tasks else queries.attention(db.session(), page)
        for row in page:
            values = page.values.get(row.id, ())
            extra = [
                value if isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool)
                else field_value(column, value)
                for column, value in zip(page.columns, values, strict=False)
            ]  # fmt: skip
            yield [*(_task(row) if of_tasks else _process(row, attention.get(row.id))), *extra]


def _task_heads() -> list[str]:
    return [
        _("Process"), _("Flow"), _("Task"), _("Summary"), _("State"), _("Priority"), _("Assigned to"),
        _("Requested by"), _("Due"), _("Created"), _("Finished"),
    ]  # fmt: skip


def _task(task: Any) -> list[Any]:
    process = task.process
    return [
        process.id, _flow(process), task.title, summaries.of_task(task), str(task_state(task).word), task.priority,
        task.owner.name if task.owner else "", process.created_by.name if process.created_by else "", task.due,
        task.created, task.finished,
    ]  # fmt: skip


def _process_heads() -> list[str]:
    return [_("Process"), _("Flow"), _("Summary"), _("State"), _("Requested by"), _("Started"), _("Finished")]


def _process(process: Any, trouble: Any) -> list[Any]:
    state = process_state(process) if trouble is None else ATTENTION
    return [
        process.id, _flow(process), summaries.of_process(process), str(state.word),
        process.created_by.name if process.created_by else "", process.created, process.finished,
    ]  # fmt: skip


def _flow(process: Any) -> str:
    flow_class = process.flow_class
    return str(process.flow_label if flow_class is None else flow_class.definition.title)


def _csv(rows: Iterable[list[Any]]) -> Iterator[str]:
    there = zone(preferences().get("timezone"))
    return csv_lines([_local(value, there) for value in row] for row in rows)


def _local(value: Any, there: dt.tzinfo) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(there).isoformat(sep=" ", timespec="minutes")
    return value


def _xlsx(rows: Iterable[list[Any]]) -> Iterator[bytes]:
    """Rows go to a file on the disk as they are read, and the file goes out from there."""
    there = zone(preferences().get("timezone"))
    with tempfile.TemporaryFile() as target:
        import xlsxwriter  # most processes make no such file, and it is large

        book = xlsxwriter.Workbook(target, {"constant_memory": True, "strings_to_formulas": False})
        sheet = book.add_worksheet()
        moment, head = book.add_format({"num_format": "yyyy-mm-dd hh:mm"}), book.add_format({"bold": True})
        for number, row in enumerate(rows):
            for place, value in enumerate(row):
                if isinstance(value, dt.datetime):
                    local = value.astimezone(there).replace(tzinfo=None)
                    sheet.write_datetime(number, place, local, moment)
                elif isinstance(value, str):
                    sheet.write_string(number, place, safe(value), None if number else head)
                elif value is not None:
                    sheet.write_number(number, place, float(value))
        sheet.freeze_panes(1, 0)
        book.close()
        target.seek(0)
        while block := target.read(64 * 1024):
            yield block


#: the states of a task as the transitions of the standard lifecycle of XES
_LIFECYCLE = {
    "NEW": "schedule", "SCHEDULED": "schedule", "ASSIGNED": "assign", "STARTED": "start", "DONE": "complete",
    "ERROR": "ate_abort", "CANCELED": "pi_abort", "REVIVED": "pi_abort",
}  # fmt: skip


def _xes(pages: Iterable[Page]) -> Iterator[str]:
    """The event log of the processes: a trace a process, an event for each change of a task's state."""
    return xes.log(_traces(pages))


def _traces(pages: Iterable[Page]) -> Iterator[tuple[xes.Attributes, list[xes.Attributes]]]:
    for page in pages:
        events = _events([process.id for process in page])
        for process in page:
            name = {"concept:name": str(process.id), "flow": process.flow_label}
            yield name, events.get(process.id, [])


def _events(ids: list[int]) -> dict[int, list[xes.Attributes]]:
    query = (
        select(Event.process_id, Task.flow_task, Event.to_state, Event.created, User.username)
        .join(Task, Task.id == Event.task_id)
        .outerjoin(User, User.id == Event.user_id)
        .where(Event.process_id.in_(ids))
        .order_by(Event.id)
    )
    found: dict[int, list[xes.Attributes]] = {}
    for process_id, flow_task, state, moment, username in db.session.execute(query):
        found.setdefault(process_id, []).append(
            {
                "concept:name": flow_task, "lifecycle:transition": _LIFECYCLE[state], "state": state,
                "org:resource": username, "time:timestamp": moment,
            }
        )  # fmt: skip
    return found
