"""What `q=` finds: a number, or words in what people see of a process or a task."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Enum,
    String,
    and_,
    case,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased

from portal import summaries
from portal.engine import visibility
from portal.flow import registry
from portal.jsonstore import BinaryField, FileField, fields_of
from portal.models import Process, Task, User, is_of_flows, registries
from portal.models.pointer import class_name

from .paging import Key, Order
from .shown import document_without

#: a search for more than this is a search for its beginning
_LONGEST = 100
#: words that are looked for: each is asked for in many places
_MOST_WORDS = 10
#: values that are longer are no line that people read
_LONGEST_VALUE = 100_000
_NUMBER = re.compile(r"#?([0-9]{1,18})", re.ASCII)


def cleaned(text: str) -> str:
    """A search as the database can take it."""
    return " ".join(text.replace("\0", " ").split())[:_LONGEST]


def _words(text: str) -> list[str]:
    """The words of a search, each once."""
    return list({word.casefold(): word for word in text.split()}.values())[:_MOST_WORDS]


def process_matches(session: Session, text: str) -> Any:
    """Processes with this number, or with all of these words in what people see of them."""
    words = and_(*(or_(*_process_ways(session, word)) for word in _words(text)))
    return or_(Process.id == number, words) if (number := number_in(text)) is not None else words


def task_matches(session: Session, text: str) -> Any:
    """Tasks of such processes, with this number, or of a step that is called so."""
    words = and_(*(or_(*_process_ways(session, word), *_task_ways(word)) for word in _words(text)))
    number = number_in(text)
    return words if number is None else or_(Process.id == number, Task.id == number, words)


def number_in(text: str) -> int | None:
    """The number that a search is for, written with or without its sign."""
    found = _NUMBER.fullmatch(text)
    return int(found[1]) if found else None


def first_by_number(order: Order, text: str, columns: Mapping[str, Any]) -> Order:
    """The order of a search: what has the number that is looked for comes first.

    Args:
        columns: the columns that hold such a number, by the names of the rows' attributes.
    """
    number = number_in(text)
    if number is None:
        return order
    rank = case((or_(*(each == number for each in columns.values())), 0), else_=1)
    return (
        Key(rank, "", value=lambda row: int(number not in [getattr(row, name) for name in columns])),
        *order,
    )


def _process_ways(session: Session, word: str) -> Iterator[Any]:
    """Each place in which a word is looked for; what is read from code costs the database nothing."""
    yield _in_values(session, word)
    contains = _contains(word)
    labels, steps, choices = _of_flows(word)
    if labels:
        yield Process.flow_label.in_(labels)
    if steps:
        at = aliased(Task)
        yield (
            select(at.id)
            .where(
                at.process_id == Process.id,
                at.finished.is_(None),
                tuple_(Process.flow_label, at.flow_task).in_(steps),
            )
            .exists()
        )
    for label, path, value in choices:
        place = (
            type_coerce(Process.data, JSON)[path]
            if len(path) > 1
            else type_coerce(Process.data, JSON)[path[0]]
        )
        yield and_(Process.flow_label == label, place.as_string() == value)
    people = select(User.id).where(or_(contains(User.username), contains(User.full_name)))
    yield Process.created_by_id.in_(people)
    had = aliased(Task)
    yield Process.id.in_(select(had.process_id).where(had.owner_id.in_(people)))
    yield from _in_tables(contains)


def _task_ways(word: str) -> Iterator[Any]:
    _, steps, _ = _of_flows(word)
    if steps:
        yield tuple_(Process.flow_label, Task.flow_task).in_(steps)


def _of_flows(word: str) -> tuple[list[str], list[tuple[str, str]], list[tuple[str, tuple[str, ...], str]]]:
    """What the code calls so: labels of flows, steps, and values of fields whose choice has such a label."""
    folded = word.casefold()
    labels, steps, choices = [], [], []
    for label, flow_class in registry.items():
        definition = flow_class.definition
        if folded in definition.title.casefold() or _says(flow_class.process_summary_template, folded):
            labels.append(label)
        for node in definition.nodes.values():
            if folded in node.title.casefold() or _says(node.summary_template, folded):
                steps.append((label, node.name))
        model = definition.process_class or Process
        guarded = visibility.guarded_fields(model)
        for field in (each for name, each in fields_of(model).items() if name not in guarded):
            for value, shown in field.choices or ():
                if folded in str(shown).casefold():
                    stored = field.to_json(value)
                    text = str(stored).lower() if isinstance(stored, bool) else str(stored)
                    choices.append((label, tuple(str(key) for key in field.path), text))
    return labels, steps, choices


def _says(template: str | None, folded: str) -> bool:
    """Whether a summary always has this word, whatever the process holds."""
    return folded in summaries.constant_part(template or "").casefold()


def _contains(word: str) -> Callable[[Any], Any]:
    """A test for a column of text. No database of every locale folds the case of all letters, so the usual
    spellings are asked for each."""
    spellings = sorted({word, word.lower(), word.upper(), word.capitalize(), word.title()})
    return lambda value: or_(*(value.icontains(each, autoescape=True) for each in spellings))


def _in_values(session: Session, word: str) -> Any:
    """In a value of the document at any depth: neither in names of fields nor in bytes, ids of files, and what only
    some may see."""
    contains = _contains(word)
    document = document_without(session, _not_searched)
    if session.get_bind().dialect.name == "postgresql":
        value = func.jsonb_path_query(type_coerce(document, JSONB), _VALUES).column_valued("value")
        text: Any = type_coerce(value, JSONB).op("#>>")(literal_column("'{}'"))
        text = type_coerce(text, String)
        found: Any = select(value)
    else:
        values = func.json_tree(document).table_valued(column("atom", String), column("type", String))
        text = values.c.atom
        found = select(literal_column("1")).select_from(values)
        found = found.where(values.c.type.in_(("text", "integer", "real")))
    return found.where(func.length(text) < _LONGEST_VALUE, contains(text)).exists()


#: every text and every number in a document
_VALUES: Any = literal_column("""'strict $.** ? (@.type() == "string" || @.type() == "number")'""")


def _not_searched(flow_class: Any) -> tuple[str, ...]:
    model = flow_class.definition.process_class or Process
    guarded = visibility.guarded_fields(model)
    return tuple(
        sorted(
            {
                field.path[0]
                for name, field in fields_of(model).items()
                if isinstance(field, BinaryField | FileField) or name in guarded
            }
        )
    )


def _in_tables(contains: Callable[[Any], Any]) -> Iterator[Any]:
    """In a text of a table of a process class, or of an artifact."""
    for mapper in _models():
        model: Any = mapper.class_
        texts = [
            getattr(model, key)
            for key, each in mapper.columns.items()
            if isinstance(each.type, String)
            and not isinstance(each.type, Enum)
            and each.table is mapper.local_table
            and key not in visibility.guarded_fields(model)
        ]
        if not texts or len(mapper.primary_key) != 1:
            continue
        if issubclass(model, Process):
            table = mapper.local_table
            (key,) = table.primary_key
            yield Process.id.in_(select(key).where(or_(*(contains(table.c[each.key]) for each in texts))))
            continue
        (key,) = mapper.primary_key
        if key.type.python_type not in (int, str):
            continue
        text = cast(key, String) if key.type.python_type is int else '"' + key + '"'
        found = select(text).where(or_(*map(contains, texts)))
        yield and_(Process.artifact_type == class_name(model), Process.artifact_key.in_(found))


def _models() -> list[Any]:
    """The mapped classes of the flows: those of their processes, of their views, and what their modules declare."""
    flows = list(registry.values())
    modules = {each.__module__ for each in flows}
    wanted: set[Any] = {flow_class.definition.process_class for flow_class in flows}
    for flow_class in flows:
        modules |= {model.__module__ for model in (flow_class.definition.process_class,) if model is not None}
        wanted |= {
            getattr(getattr(node, "view", None), "model", None)
            for node in flow_class.definition.nodes.values()
            if node.human
        }
    found = []
    for mapper in registries.mappers():
        own = is_of_flows(None, getattr(mapper.local_table, "name", None), "table")
        if own and (mapper.class_ in wanted or mapper.class_.__module__ in modules):
            found.append(mapper)
    return sorted(found, key=lambda mapper: class_name(mapper.class_))
