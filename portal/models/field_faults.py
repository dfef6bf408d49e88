"""Finds mistakes in the fields of a process class, for messages at import."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from string import Formatter
from typing import Any, get_origin

from sqlalchemy import Column
from sqlalchemy.orm import MappedColumn

from portal import jsonstore
from portal.flow.callables import Called, unfit
from portal.flow.names import near
from portal.jsonstore.choices import same_choice
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
        elif isinstance(value, type) and issubclass(value, jsonstore.Field):
            yield name, f"is the class {value.__name__} itself; write jsonstore.{value.__name__}()"
        elif is_column:
            column = getattr(value, "column", value)
            yield from ((name, fault) for fault in column_faults(column)) if column is not None else ()
    yield from _place_faults(cls, cls.__dict__)


def _settings_faults(name: str, field: jsonstore.Field[Any, Any, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the arguments of a field, and of the fields of what is embedded in it."""
    for fault in (*_words_faults(field), *_limit_faults(field), *_default_faults(field)):
        yield name, fault
    calls = [Called("validators=", each, ("value",)) for each in field.validators]
    if callable(field.default):
        calls.append(Called("default=", field.default, ()))
    if callable(field.visible_to):
        calls.append(Called("visible_to=", field.visible_to, ("user", "process")))
    for called in calls:
        if callable(called.call):
            yield from ((name, fault) for fault in unfit(called))
        else:
            yield (
                name,
                f"{called.what} takes functions of the value, not {called.call!r}; write a function's name",
            )
    if isinstance(field, jsonstore.EmbeddedField | jsonstore.EmbeddedListField):
        for inner, each in jsonstore.fields_of(field.schema).items():
            yield from _settings_faults(f"{name}.{inner}", each)


def _default_faults(field: jsonstore.Field[Any, Any, Any]) -> Iterator[str]:
    default = field.default
    if default is None or callable(default):
        return
    try:
        field.check(default) if field.enum is None else field.clean(default)
    except (ValueError, TypeError) as error:
        yield f"default={default!r} is no value of this field: {str(error).rstrip('.')}; {default_mend(field)}"
        return
    if field.enum is None and field.choices is not None:
        yield from choice_faults("default=", default, [value for value, _label in field.choices])


def _choices_faults(field: jsonstore.Field[Any, Any, Any]) -> Iterator[str]:
    """The first choice that nobody could ever make, as the field does not take its value."""
    for value, _label in field.choices or ():
        try:
            field.check(value)
        except (ValueError, TypeError) as error:
            yield f"choices= has {value!r}, which is no value of this field: {str(error).rstrip('.')}"
            return


def choice_faults(what: str, value: Any, choices: Sequence[Any]) -> Iterator[str]:
    """A value that is none of the choices.

    Args:
        what: how the author gives it, as in `default=`.
    """
    if not any(same_choice(value, choice) for choice in choices):
        close = near(str(value), map(str, choices))
        meant = next((each for each in choices if str(each) == close), choices[0] if choices else None)
        known = ", ".join(map(repr, choices))
        yield f"{what}{value!r} is none of its choices, which are {known}; write {what}{meant!r}"


def _words_faults(field: jsonstore.Field[Any, Any, Any]) -> Iterator[str]:
    """Arguments that are of another kind than the field's."""
    if not isinstance(field.required, bool):
        yield f"required= takes True or False, not {field.required!r}; write required={bool(field.required)}"
    if field.choices == []:
        yield 'choices= has none; name them, as in choices=[("car", "By car"), ("train", "By train")]'
    elif field.enum is None:
        yield from _choices_faults(field)
    yield from visibility_faults("visible_to=", field.visible_to)
    if isinstance(field, jsonstore.BooleanField):
        yield from labels_faults("labels=", field.labels)
    model = getattr(field, "_model", None)
    if isinstance(model, str):
        yield f"takes a class, not the text {model!r}; write {model}, or lambda: {model} where it is declared later"


def visibility_faults(what: str, rule: Any) -> Iterator[str]:
    """What is wrong with a rule of who may see a value.

    Args:
        what: how the author gives it.
    """
    if rule is None or callable(rule):
        return
    names = [rule] if isinstance(rule, str) else rule
    if not isinstance(names, list | tuple | set | frozenset) or not names:
        mend = 'write the name of a permission, as in "shop.see_prices", or a function of a person and the object'
        yield f"{what}{rule!r} says nobody; {mend}"
        return
    for each in names:
        if not isinstance(each, str) or not each.strip() or " " in each.strip("* "):
            named = str(each).strip().replace(" ", "_") or "shop.see_prices"
            yield f"{what}{rule!r} is the name of a permission, without spaces; write {named!r}"


def labels_faults(what: str, labels: Any) -> Iterator[str]:
    if not isinstance(labels, tuple | list) or len(labels) != 2:
        mend = 'write ("Approve", "Decline")'
        yield f"{what}{labels!r} are the words for true and for false, two of them; {mend}"


def _limit_faults(field: jsonstore.Field[Any, Any, Any]) -> Iterator[str]:
    """Limits that are none, or that leave no value."""
    for low, high in (("min_length", "max_length"), ("decimal_places", "max_digits")):
        limits: dict[str, Any] = {name: getattr(field, name, None) for name in (low, high)}
        odd = [name for name, value in limits.items() if value is not None and not _is_count(value)]
        for name in odd:
            meant = int(limits[name]) if str(limits[name]).isdecimal() else 50
            yield f"{name}= takes a whole number from 0, not {limits[name]!r}; write {name}={meant}"
        if not odd and None not in limits.values() and limits[low] > limits[high]:
            words = ", ".join(f"{name}={value}" for name, value in limits.items())
            yield f"{words} leave no value; make {high}= the larger one"
    if isinstance(field, jsonstore.IntegerField | jsonstore.FloatField | jsonstore.DecimalField):
        yield from _range_faults(field)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _range_faults(field: Any) -> Iterator[str]:
    limits = {"min_value": field.minimum, "max_value": field.maximum}
    for name, value in limits.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float | Decimal)):
            yield f"{name}= takes a number, not {value!r}; write it without quotes"
            return
    if None not in limits.values() and field.minimum > field.maximum:
        words = ", ".join(f"{name}={value}" for name, value in limits.items())
        yield f"{words} leave no value; make max_value= the larger one"


def _lies_within(field: jsonstore.Field[Any, Any, Any], other: jsonstore.Field[Any, Any, Any]) -> bool:
    """Whether a field would write into the single value of another."""
    holds_others = isinstance(other, jsonstore.JSONField | jsonstore.EmbeddedField)
    return not holds_others and field.path[: len(other.path)] == other.path


def _place_faults(cls: type, own: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Fields that would write to the place of another."""
    fields = jsonstore.fields_of(cls)
    for name, field in fields.items():
        other = next((each for each, its in fields.items() if its.path == field.path), name)
        if other != name and name in own:
            key = ".".join(field.path)
            yield (
                name,
                f"its place in the document, `{key}`, is that of `{other}`; give it a json_key of its own",
            )
        for each, its in fields.items():
            if {name, each} & own.keys() and len(its.path) < len(field.path) and _lies_within(field, its):
                inner, outer = ".".join(field.path), ".".join(its.path)
                yield (
                    name,
                    f"its place in the document, `{inner}`, is within that of `{each}`, `{outer}`, which holds no "
                    "other values; give it a json_key of its own",
                )


def column_faults(column: Any) -> Iterator[str]:
    """What is wrong with a column: its default, and what `info=` says of it."""
    default, choices = column.default, getattr(column.type, "enums", None)
    if choices and getattr(default, "is_scalar", False):
        members = getattr(column.type, "enum_class", None)
        if members is None:
            yield from choice_faults("default=", default.arg, choices)
        elif not isinstance(default.arg, members) and default.arg not in choices:
            meant = f"{members.__name__}.{next(iter(members)).name}"
            yield f"default={default.arg!r} is no member of {members.__name__}; write default={meant}"
    yield from info_faults(column.info)


#: what `info=` of a column may say
INFO = ("label", "help_text", "validators", "labels", "format", "group", "visible_to")


def info_faults(info: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with what a column says of itself. Keys that are not nearly ours are an author's own."""
    for key in info:
        meant = near(key, INFO, closeness=0.75) if isinstance(key, str) and key not in INFO else None
        if meant:
            yield f"info= has {key!r}, which says nothing here; did you mean {meant!r}?"
    style = info.get("format")
    if isinstance(style, str):
        try:
            fields = [
                name for _text, name, _spec, _conversion in Formatter().parse(style) if name is not None
            ]
        except ValueError as error:
            fields, words = [], f": {error}"
        else:
            words = " has no place for the value" if not fields else ""
        if words:
            yield f'info= has the format {style!r}{words}; write a pattern such as "CHF {{:,.2f}}"'
    elif style is not None and not callable(style):
        yield f'info= has the format {style!r}; write a pattern such as "CHF {{:,.2f}}", or a function of the value'
    yield from visibility_faults("visible_to: ", info.get("visible_to"))
    if "labels" in info:
        yield from labels_faults("labels: ", info["labels"])
    validators = info.get("validators", ())
    for each in [validators] if callable(validators) or isinstance(validators, str) else validators:
        if not callable(each):
            yield f"info= has {each!r} among its validators; give functions of the value"


def _is_mapped(annotation: Any) -> bool:
    """Whether an annotation alone makes a column: `x: Mapped[int]`, also where annotations are texts."""
    text = annotation if isinstance(annotation, str) else getattr(get_origin(annotation), "__name__", "")
    return text.partition("[")[0].rpartition(".")[2] == "Mapped"


def _names_former_table(value: Any) -> bool:
    """Whether it is a key that points at the table of processes by the name that it had once."""
    keys = value.column.foreign_keys if isinstance(value, MappedColumn) and value.column.primary_key else ()
    return any(key._colspec == "process.id" for key in keys)
