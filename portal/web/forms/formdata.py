"""Makes the form data that a person would type for given Python values, so that tests go through the real form."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import PurePath
from typing import Any

import wtforms
from werkzeug.datastructures import FileStorage, MultiDict

from portal.errors import InvalidForm
from portal.jsonstore import File, fields_of

from .choices import DecisionField, SelectField
from .inputs import FileField, ParsedField
from .references import ReferenceField
from .stored import StoredFileField
from .times import DateTimeLocalField


def entries(form_class: type[wtforms.Form], values: Mapping[str, Any]) -> MultiDict[str, Any]:
    """The form data of a POST that enters these values. InvalidForm for a name that the form does not have.

    Texts are entered as they are; an unticked box and an empty list send nothing, as in a browser.
    """
    form = form_class(formdata=None, meta={"csrf": False})
    return MultiDict(list(_of_form(form, values)))


def _of_form(form: Any, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if name not in form._fields:
            raise InvalidForm(f"The form has no field {name!r}; it has {', '.join(form._fields) or 'none'}.")
        yield from _of_field(form._fields[name], value)


def _of_field(field: Any, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(field, wtforms.FormField):
        yield from _of_form(field.form, _mapping(value))
    elif isinstance(field, wtforms.FieldList):
        for item in value or ():
            yield from _of_field(field.append_entry(), item)
    elif isinstance(field, StoredFileField):
        yield from _of_files(field, value)
    elif isinstance(field, FileField):
        yield field.name, "" if value is None else value if isinstance(value, str) else _upload(value)
    elif isinstance(field, wtforms.BooleanField):
        if value:
            yield field.name, value if isinstance(value, str) else "y"
    elif isinstance(value, (list, tuple, set)) and not isinstance(field, ParsedField):
        for item in value:
            yield field.name, _text(field, item)
    else:
        yield field.name, _text(field, value)


def _of_files(field: StoredFileField, value: Any) -> Iterator[tuple[str, Any]]:
    """Files that are in the storage by their ids, and uploads."""
    yield field.marker, "1"
    several = isinstance(value, list | tuple) and not _is_named(value)
    for each in value if several else [] if value is None else [value]:
        if isinstance(each, File):
            yield field.kept_name, each.id
        else:
            yield field.name, _upload(each)


def _is_named(value: Any) -> bool:
    """Whether it is one upload as test clients write it: `(content, name)` or `(content, name, type)`."""
    return (
        isinstance(value, tuple) and len(value) in (2, 3) and all(isinstance(each, str) for each in value[1:])
    )


def _upload(value: Any) -> FileStorage:
    """An upload of bytes, of something open for reading, or of either with its name and type."""
    if isinstance(value, FileStorage):
        return value
    content, name, kind = value, None, None
    if _is_named(value):
        content, name, kind = (*value, None)[:3]
    name = name or PurePath(str(getattr(content, "name", "") or "upload")).name
    kind = kind or getattr(content, "type", None) or None
    return FileStorage(content if hasattr(content, "read") else BytesIO(content), name, content_type=kind)


def _mapping(value: Any) -> Mapping[str, Any]:
    if value is None or isinstance(value, Mapping):
        return value or {}
    return {name: getattr(value, name) for name in fields_of(type(value))}


def _text(field: Any, value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (str, FileStorage)) and not isinstance(value, enum.Enum):
        return value
    if isinstance(field, DecisionField):
        return field.text_of(value)
    if (
        isinstance(field, DateTimeLocalField)
        and isinstance(value, dt.datetime)
        and value.utcoffset() is not None
    ):
        return value.astimezone(field.zone).replace(tzinfo=None).isoformat()
    if isinstance(field, DateTimeLocalField) or isinstance(value, int):
        return str(value)
    if isinstance(field, (ParsedField, SelectField, ReferenceField)):
        try:
            return field.text_of(value)
        except (AttributeError, TypeError, ValueError):
            return str(value)
    return str(value.value if isinstance(value, enum.Enum) else value)
