"""Reads what a class declares of its fields, for the arrangement of forms and its checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import inspect

from portal.jsonstore import fields_of
from portal.models import Process
from portal.models.field_faults import column_faults
from portal.models.process import RESERVED

from . import arrangement
from .arrangement import Group, Item, Section
from .build import artifact_field_names, is_taken, process_field_names
from .decisions import field_or_column


def faults(model: type, items: Sequence[Item]) -> Iterator[str]:
    """What is wrong with a form of these items for this class, for a message at import."""
    names = list(arrangement.names_in(items))
    asked = [when.field for when in arrangement.conditions_in(items)]
    known = known_fields(model, [*names, *asked])
    for name in names:
        if isinstance(name, str) and name not in known:
            yield f"the form has a field `{name}`, but {model.__name__} has none; {_known(name, known)}"
    for name in dict.fromkeys(names):
        if name in known and is_taken(name):
            yield f"the form has a field `{name}`, but every form has its own `{name}`; give the field another name"
    for name in dict.fromkeys(asked):
        if name not in known:
            yield f"`When` asks the field `{name}`, but {model.__name__} has none; {_known(name, known)}"
    if not issubclass(model, Process):  # which has told its own
        columns = inspect(model).columns
        for name in (each for each in dict.fromkeys(names) if each in columns):
            yield from (f"{model.__name__}.{name}: {fault}" for fault in column_faults(columns[name]))
    yield from arrangement.faults(items, lambda name: field_or_column(model, name) if name in known else None)


def known_fields(model: type, wanted: Iterable[str] = ()) -> list[str]:
    """The names that a form for this class may use.

    A model's relationships are looked at only if its columns do not have all that is wanted: that configures
    the mappers, which is early while modules are still being imported.
    """
    if issubclass(model, Process):
        return process_field_names(model)
    columns = [*fields_of(model), *inspect(model).columns.keys()]
    return columns if set(wanted) <= set(columns) else artifact_field_names(model)


def stores(model: type, name: str) -> bool:
    """Whether a form of an author's own leaves what is typed into a field of this name in an object of this class."""
    ours = RESERVED - {"artifact", "seed"} if issubclass(model, Process) else frozenset()
    return hasattr(model, name) and name not in ours


def _known(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    shown = ", ".join(each for each in known if not each.startswith("_"))
    return f"did you mean `{near[0]}`?" if near else f"known are: {shown or 'none'}"


def grouped(model: type, items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Plain names under the headings that the columns name by `info={"group": …}`; else the items as they are."""
    if any(isinstance(item, Group) for item in items):
        return items
    return _grouped(model, items)


@lru_cache(maxsize=1024)
def _grouped(model: type, items: tuple[Item, ...]) -> tuple[Item, ...]:
    found: list[Item] = []
    for title, names in groupby(items, lambda name: group_of(model, str(name))):
        some = list(names)
        found += [Section(title, *some)] if title else some
    return tuple(found)


def group_of(model: type, name: str) -> str:
    """The heading that a column names by `info={"group": …}`."""
    mapper: Any = inspect(model)
    column = mapper.columns.get(name)
    return str(getattr(column, "info", {}).get("group", ""))
