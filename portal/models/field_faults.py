"""What is wrong with the fields of a process class, for a message at import."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, get_origin

from sqlalchemy import Column
from sqlalchemy.orm import MappedColumn

from portal import jsonstore
from portal.flow.callables import Called, unfit
from portal.jsonstore.mends import default_mend


def of_class(cls: type, reserved: frozenset[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the body of a process class: the attribute, and what is wrong with the mend."""
    joined = "__tablename__" in cls.__dict__ or "__abstract__" in cls.__dict__
    annotations = inspect.get_annotations(cls)
    for name in dict.fromkeys((*cls.__dict__, *annotations)):
        value = cls.__dict__.get(name)
        is_column = isinstance(value, MappedColumn | Column) or (
            name not in cls.__dict__ and _is_mapped(annotations[name])
        )
        if name in reserved:
            yield name, f"every process has its own `{name}`; give the field another name"
        elif _names_former_table(value):
            yield (
                name,
                (
                    "its key names a table of before; leave the key out, or say "
                    "`id: Mapped[int] = mapped_column(ForeignKey(Process.id), primary_key=True)`"
                ),
            )
        elif is_column and not joined:
            yield name, 'a column needs its own table; add __tablename__ = "…", or take a field of jsonstore'
        elif isinstance(value, jsonstore.Field):
            yield from _settings_faults(name, value)


def _settings_faults(name: str, field: jsonstore.Field[Any, Any, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the arguments of a field, and of the fields of what is embedded in it."""
    default = field.default
    calls = [Called("validators=", each, ("value",)) for each in field.validators]
    if callable(default):
        calls.append(Called("default=", default, ()))
    elif default is not None:
        try:
            field.check(default) if field.enum is None else field.clean(default)
        except (ValueError, TypeError) as error:
            words = str(error).rstrip(".")
            yield name, f"default={default!r} is no value of this field: {words}; {default_mend(field)}"
    if callable(field.visible_to):
        calls.append(Called("visible_to=", field.visible_to, ("user", "process")))
    for called in calls:
        yield from ((name, fault) for fault in unfit(called))
    if isinstance(field, jsonstore.EmbeddedField | jsonstore.EmbeddedListField):
        for inner, each in jsonstore.fields_of(field.schema).items():
            yield from _settings_faults(f"{name}.{inner}", each)


def _is_mapped(annotation: Any) -> bool:
    """Whether an annotation alone makes a column: `x: Mapped[int]`, also where annotations are texts."""
    text = annotation if isinstance(annotation, str) else getattr(get_origin(annotation), "__name__", "")
    return text.partition("[")[0].rpartition(".")[2] == "Mapped"


def _names_former_table(value: Any) -> bool:
    """Whether it is a key that points at the table of processes by the name that it had once."""
    keys = value.column.foreign_keys if isinstance(value, MappedColumn) and value.column.primary_key else ()
    return any(key._colspec == "process.id" for key in keys)
