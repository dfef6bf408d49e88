"""Reads only those keys of a process's document that its summary needs: documents can be large."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import JSON, Text, case, cast, func, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array
from sqlalchemy.orm import Session, lazyload, undefer

from portal import summaries
from portal.flow import registry
from portal.jsonstore import fields_of
from portal.models import Process


def options(session: Session, process: Any) -> list[Any]:
    """Loader options for `Process`, or for what leads to it: its document stays where it is, but for what is shown.

    Args:
        process: a loader option of the path to the process, or something with the same methods.
    """
    return [
        process.defer(Process.data),
        process.with_expression(Process._shown, document_without(session, hidden)),
    ]


def complete(session: Session, processes: Iterable[Process]) -> None:
    """Read the whole documents, in one statement, of the rows whose summaries may need them."""
    ids = [
        process.id
        for process in processes
        if "data" not in process.__dict__ and not summaries.is_shown_in_part(process.flow_class)
    ]
    if ids:
        query = (
            select(Process)
            .where(Process.id.in_(ids))
            .options(undefer(Process.data), lazyload(Process.created_by))
        )
        session.scalars(query).unique().all()


def document_without(session: Session, hidden: Callable[[Any], tuple[str, ...]]) -> Any:
    """The document of a process without the keys that a function names for each flow."""
    labels: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for label, flow_class in registry.items():
        if keys := hidden(flow_class):
            labels[keys].append(label)
    whens = [
        (Process.flow_label.in_(found), _without(session, keys)) for keys, found in sorted(labels.items())
    ]
    whole = type_coerce(Process.data, JSON)
    return case(*whens, else_=whole) if whens else whole


def hidden(flow_class: Any) -> tuple[str, ...]:
    """The keys of the document that hold only fields of which no summary of the flow speaks."""
    names = summaries.names_shown(flow_class)
    if names is None:
        return ()
    fields = fields_of(flow_class.definition.process_class or Process)
    kept = {field.path[0] for name, field in fields.items() if name in names}
    return tuple(sorted({field.path[0] for field in fields.values()} - kept))


def _without(session: Session, keys: tuple[str, ...]) -> Any:
    left: Any
    if session.get_bind().dialect.name == "postgresql":
        left = type_coerce(Process.data, JSONB).op("-")(cast(array(keys), ARRAY(Text)))
    else:
        left = func.json_remove(Process.data, *(f'$."{key}"' for key in keys))
    return type_coerce(left, JSON)
