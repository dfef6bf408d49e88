"""Writes the text of each process that searches look through, whenever its parts change.

It holds what everybody who sees a process sees of it wherever it stands: its flow's title, the words that its
summary always has, values of fields, labels of choices, names of files and of rows that
fields point at, its own columns and those of its artifact;
never the names of fields. Names of people and titles of steps are looked up when somebody searches
(`portal.queries.search`): they change without it. A task with data or an artifact of its own carries such a text, too.

Each value stands on lines of its own. So a filter on one field first asks for the texts that have its value, see
`is_kept`.
"""

from __future__ import annotations

import datetime as dt
import enum
import json
import logging
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Date, DateTime, Integer, Numeric, String, inspect, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_state

from portal import summaries
from portal.errors import contain
from portal.jsonstore import BinaryField, FileField, ReferenceField, ReferenceListField, fields_of
from portal.models import Process, StoredFile, Task

from . import visibility, writes
from .context import ActionContext
from .statements import placing

#: what is longer is no line that people read, and what lies behind so many letters is not looked through
_LONGEST_VALUE, _LONGEST = 10_000, 20_000
#: keeps the text of a process apart from that of its artifact
_BEHIND = "\n\f\n"
#: keeps what rows are called that its fields point at apart, and each of them from its key
_CALLED, _IS = "\n\x1d\n", "\x1f"
#: columns whose values people read
_READABLE = (String, Integer, Numeric, Date, DateTime)
log = logging.getLogger("portal.engine")
#: keeps the names of the files that are attached to it apart from the rest
_ATTACHED = "\n\x1c\n"


#: stands behind what was too long to be kept whole: any value may be in it. Three letters, for an index
CUT = "\x1a\x1a\x1a"


#: columns of ours that no text is made of
_ASIDE = frozenset(Process.__table__.columns.keys()) - {"data", "artifact_type", "artifact_key"}


#: what an object holds of a column that is not loaded
_UNREAD = object()


def folded(text: str) -> str:
    """A text as it is compared: in no letters' case."""
    return unicodedata.normalize("NFC", text.casefold())


def keep(run: ActionContext) -> None:
    """Bring the texts of the processes up to date that an action has touched; most stay as they are."""
    for process in {change.process: None for change in run.rows.changes}:
        text = text_of(process)
        if process.search_text != text:
            placing.put(process, search_text=text)
    for task in {change.task: None for change in run.rows.changes if change.task is not None}:
        loaded = task.__dict__
        empty = loaded.get("data", _UNREAD) == {} and loaded.get("search_text", _UNREAD) is None
        if empty and loaded.get("artifact_type", _UNREAD) is None:  # as most are
            continue
        if task.data or task.search_text is not None or task.artifact_type is not None:
            task.search_text = text_of_task(task)


def keep_new(run: ActionContext) -> None:
    """The same for processes that are about to be stored, so that most are written once."""
    with run.session.no_autoflush:  # to read what a field points at would store them, and ask for this again
        for process in run.session.new:
            if isinstance(process, Process) and process.artifact_type is None and process in run.seen.made:
                process.search_text = text_of(process)


def text_of(process: Process) -> str:
    """All that a search finds a process by."""
    before, _, attached = (process.search_text or "").partition(_ATTACHED)
    before, _, called = before.partition(_CALLED)
    _, _, before = before.partition(_BEHIND)
    if process.artifact_type is None:
        behind = ""
    elif "_artifact" in process.__dict__ or not before:
        behind = _joined(_columns(process.artifact))
    else:  # nobody has read the artifact, so nobody has changed it
        behind = before
    text = _joined(_own(process), CUT) + (_BEHIND + behind if behind else "")
    if _kinds(type(process)).references and (called := _references(process, called)):
        text += _CALLED + called
    return text + (_ATTACHED + attached if attached else "")


def keep_attached(session: Session, process: Process) -> None:
    """Write the names of the files that are attached to a process anew, in the transaction that has locked it and
    attaches or removes one."""
    if process.search_text is not None:
        session.flush()
        names = _attached(session, [process.id]).get(process.id, "")
        text = process.search_text.partition(_ATTACHED)[0]
        process.search_text = text + (_ATTACHED + names if names else "")


def _attached(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """The names of the files that are attached to processes, as a search looks through them."""
    query = select(StoredFile.process_id, StoredFile.name).where(
        StoredFile.process_id.in_(ids), StoredFile.field.is_(None)
    )
    names: dict[int, list[str]] = {}
    for process_id, name in session.execute(query.order_by(StoredFile.id)):
        if process_id is not None:
            names.setdefault(process_id, []).append(name)
    return {process_id: _joined(iter(each)) for process_id, each in names.items()}


def fill_in(session: Session, most: int = 200) -> int:
    """Write the texts of processes that have none: those from before there were any. The number of those written."""
    without = Process.search_text.is_(None)
    found = session.scalars(select(Process).where(without).order_by(Process.id.desc()).limit(most)).unique()
    texts = {process.id: text_of(process) for process in found}
    for process_id, names in _attached(session, list(texts)).items():
        texts[process_id] += _ATTACHED + names
    with writes.writing(session):
        for process_id, text in texts.items():  # whoever has been faster knows better
            mine = update(Process).where(Process.id == process_id, without)
            writes.run(session, mine.values(search_text=text))
    return len(texts)


def text_of_task(task: Task) -> str | None:
    """The text by which a search finds a task, besides that of its process; None where it has none of its own."""
    _, _, behind = (task.search_text or "").partition(_BEHIND)
    if task.artifact_type is None:
        behind = ""
    elif "_artifact" in task.__dict__:
        behind = _joined(_columns(task.artifact))
    own = {key: value for key, value in (task.data or {}).items() if not key.startswith("_")}
    return _joined(_values(own)) + (_BEHIND + behind if behind else "") or None


def keep_changed(session: Session, dirty: Iterable[Any]) -> None:
    """Bring the texts of processes up to date that code has changed outside of an action, or in one on another
    process, before they are stored.

    Args:
        dirty: the objects of the session that hold changes.
    """
    run, processes = session.info.get("run"), [each for each in dirty if isinstance(each, Process)]
    if not processes:
        return
    with session.no_autoflush:
        for process in processes:
            changed = instance_state(process).committed_state.keys()
            if not changed - _ASIDE or "search_text" in changed or process.search_text is None:
                continue
            if run is None or not any(change.process is process for change in run.rows.changes):
                process.search_text = text_of(process)


def is_kept(model: Any, field: Any) -> bool:
    """Whether each value of a field of processes is in their texts, as `folded` writes it, or else `CUT`."""
    return not field.path[0].startswith("_") and field.path[0] not in _kinds(model)[0]


def _joined(pieces: Iterator[str], cut: str = "") -> str:
    """Each of the pieces once, line by line; `cut` behind them where some have no room."""
    found: dict[str, None] = {}
    room, is_cut = _LONGEST, False
    for piece in pieces:
        if len(piece) >= _LONGEST_VALUE:
            is_cut = True
        elif piece and piece not in found:
            found[piece] = None
            room -= len(piece) + 1
            if room < 0:
                break
    text = folded("\n".join(found)).replace("\0", " ")
    if cut and (is_cut or room < 0 or len(text) > _LONGEST):
        return f"{text[:_LONGEST]}\n{cut}"
    return text[:_LONGEST]


def _own(process: Process) -> Iterator[str]:
    flow_class = process.flow_class
    if flow_class is not None:
        yield flow_class.definition.title
        yield summaries.constant_part(flow_class.process_summary_template or "")
    kinds = _kinds(type(process))
    for field in kinds.files:
        yield from _names(_at(field, process.data))
    for field in kinds.choices:
        yield from _labels(field, process.data)
    for key, value in process.data.items():
        if key not in kinds.left_out and not key.startswith("_"):
            yield from _values(value)
    if kinds.has_table:
        yield from _columns(process)


class _Kinds(NamedTuple):
    """What a class of processes has that a search looks at."""

    #: keys that it does not look at
    left_out: frozenset[str]
    files: list[Any]
    choices: list[Any]
    #: fields that point at rows, by name, each with its place among the fields
    references: list[tuple[int, str, Any]]
    has_table: bool


@lru_cache(maxsize=1024)
def _kinds(cls: Any) -> _Kinds:
    guarded, fields = visibility.guarded_fields(cls), fields_of(cls)
    left_out = [
        name
        for name, field in fields.items()
        if isinstance(field, BinaryField | FileField) or name in guarded
    ]
    files = [field for name, field in fields.items() if isinstance(field, FileField) and name not in guarded]
    choices = [field for name, field in fields.items() if field.choices and name not in left_out]
    references = [
        (place, name, field)
        for place, (name, field) in enumerate(fields.items())
        if isinstance(field, ReferenceField | ReferenceListField) and name not in guarded
    ]
    has_table = inspect(cls).local_table is not Process.__table__
    keys = frozenset(fields[name].path[0] for name in left_out)
    return _Kinds(keys, files, choices, references, has_table)


def _values(value: Any) -> Iterator[str]:
    """Every text and number in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _values(each)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _names(stored: Any) -> Iterator[str]:
    """The names of stored files: one, or a list of them."""
    for each in stored if isinstance(stored, list) else [stored]:
        name = each.get("name") if isinstance(each, dict) else None
        if isinstance(name, str):
            yield name


def _at(field: Any, document: Any) -> Any:
    for key in field.path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _labels(field: Any, document: Any) -> Iterator[str]:
    document = _at(field, document)
    for value, label in field.choices:
        if document is not None and field.to_json(value) == document:
            yield str(label)


def _columns(instance: Any) -> Iterator[str]:
    """The texts in the columns of a row."""
    if instance is None:
        return
    mapper: Any = inspect(type(instance))
    guarded = visibility.guarded_fields(type(instance))
    for key, column in mapper.columns.items():
        ours = isinstance(instance, Process) and column.table is Process.__table__
        hidden = key in guarded or key.startswith("_") or column.primary_key or column.foreign_keys
        if isinstance(column.type, _READABLE) and not ours and not hidden:
            value = getattr(instance, key)
            value = value.value if isinstance(value, enum.Enum) else value
            if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
                yield str(value)
            elif isinstance(value, dt.date):
                yield value.isoformat()[:10]


def _references(process: Process, before: str) -> str:
    """What people call the rows that the fields of a process point at. A row is read when it is chosen, and what it is
    called then is kept."""
    known = dict(part.split(_IS, 1) for part in before.split("\n") if _IS in part)
    found = []
    for place, name, field in _kinds(type(process)).references:
        stored = _at(field, process.data)
        if stored is None or stored == []:
            continue
        key = f"{place}:{json.dumps(stored)}"
        if key not in known:
            known[key] = _called(process, name)
        found.append(f"{key}{_IS}{known[key]}")
    return "\n".join(found)[:_LONGEST]


def _titles(value: Any) -> str:
    rows = value if isinstance(value, Sequence) else [value]
    unnamed: Any = object.__str__
    return " ".join(str(row) for row in rows if type(row).__str__ is not unnamed)


def _called(process: Process, name: str) -> str:
    """The name of a row, or of several, as pages write it; empty where the author's code does not tell."""
    try:
        titles = contain(lambda: _titles(getattr(process, name)))
    except SQLAlchemyError:
        raise
    except Exception:
        log.exception("process %s: what the rows of “%s” are called it cannot be told", process.id, name)
        return ""
    return folded(" ".join(titles.split())).replace("\0", " ")[:1000]
