"""The inputs of the generated forms. Blank is None; what cannot be read is an error of the form."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import wtforms
from markupsafe import Markup
from werkzeug.datastructures import FileStorage
from wtforms import widgets
from wtforms.validators import StopValidation, ValidationError

from portal.jsonstore import plain

from .durations import format_duration, parse_duration

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INTEGER = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([.,' ])\d{3})+(?!\1)[.,]\d*", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)


class Required:
    """Something must be given. Other than WTForms' own it takes 0 for something and spaces for nothing."""

    field_flags = {"required": True}  # noqa: RUF012  (the interface of WTForms)

    def __call__(self, form: Any, field: Any) -> None:
        if not field.process_errors and (field.data is None or field.data in ("", [])):
            raise StopValidation("This field is required.")


class Rule:
    """The check of a typed field as a validator; its limits become attributes of the input."""

    def __init__(self, check: Callable[[Any], Any], flags: dict[str, Any]) -> None:
        self.check = check
        self.field_flags = flags

    def __call__(self, form: Any, field: Any) -> None:
        # What could not be read has its error already.
        if field.data is None or field.process_errors:
            return
        try:
            self.check(field.data)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class ParsedField(wtforms.Field):
    """An input whose text is parsed."""

    widget = widgets.TextInput()
    strip = True
    #: what a blank input means
    empty: Any = None

    def __init__(self, *args: Any, empty: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.empty = empty

    def parse(self, text: str) -> Any:
        return text

    def text_of(self, value: Any) -> str:
        return str(value)

    def _value(self) -> str:
        if self.raw_data:
            # A page cannot be encoded with half a surrogate pair in it.
            return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", str(self.raw_data[0]))
        return "" if self.data is None else self.text_of(self.data)

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        if not valuelist:
            return
        self.data, text = None, valuelist[0]
        if not isinstance(text, str):
            raise ValueError("A text is needed here.")
        if _UNSTORABLE.search(text):
            raise ValueError("The text contains characters that cannot be stored.")
        text = text.replace("\r\n", "\n")
        if self._is_untouched(text):
            self.process_data(self.object_data)
        elif not text.strip():
            self.data = self.empty
        else:
            self.data = self.parse(text.strip() if self.strip else text)

    def _is_untouched(self, text: str) -> bool:
        """The input may show less of a value than there is: what was left alone must not lose the rest."""
        return self.object_data is not None and text == self.text_of(self.object_data)


class StringField(ParsedField):
    """A line of text."""


class TextAreaField(ParsedField):
    widget = widgets.TextArea()
    strip = False


class EmailField(ParsedField):
    widget = widgets.EmailInput()


class URLField(ParsedField):
    widget = widgets.URLInput()


class IntegerField(ParsedField):
    widget = widgets.NumberInput(step="1")

    def parse(self, text: str) -> int:
        if not _INTEGER.fullmatch(text):
            raise ValueError(
                "The number is too large." if text.lstrip("+-").isdecimal() else "This is not a whole number."
            )
        value = int(text)
        if not -(2**63) <= value < 2**63:
            raise ValueError("The number is too large.")
        return value


class FloatField(ParsedField):
    widget = widgets.NumberInput(step="any")

    def parse(self, text: str) -> float:
        if not _FLOAT.fullmatch(text):
            raise ValueError("This is not a number.")
        value = float(text.replace(",", "."))
        if value in (float("inf"), float("-inf")):
            raise ValueError("The number is too large.")
        return value

    def text_of(self, value: Any) -> str:
        return repr(float(value))


class DecimalField(ParsedField):
    widget = widgets.NumberInput()

    def parse(self, text: str) -> Decimal:
        text = text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
        grouped = _GROUPED.fullmatch(text)
        if grouped is not None:
            text = text.replace(grouped[1], "")
        text = text.replace(",", ".", 1)
        if not _DECIMAL.fullmatch(text):
            raise ValueError("This is not a number.")
        if len(text) > 100:
            raise ValueError("The number has too many digits.")
        return Decimal(text)

    def text_of(self, value: Any) -> str:
        return format(value, "f") if isinstance(value, Decimal) else str(value)


class DateField(ParsedField):
    widget = widgets.DateInput()

    def parse(self, text: str) -> dt.date:
        if _DATE.fullmatch(text):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                pass
        raise ValueError("This is not a date. Write it as 2026-12-31.")

    def text_of(self, value: Any) -> str:
        return str(value.isoformat())


class _ClockField(ParsedField):
    def __call__(self, **kwargs: Any) -> Markup:
        # Without a step a browser refuses the seconds that it shows.
        if len(self._value().rpartition("T")[2]) > len("00:00"):
            kwargs.setdefault("step", "any")
        return super().__call__(**kwargs)


class TimeField(_ClockField):
    widget = widgets.TimeInput()

    def parse(self, text: str) -> dt.time:
        if _TIME.fullmatch(text):
            try:
                return dt.time.fromisoformat(text)
            except ValueError:
                pass
        raise ValueError("This is not a time of day. Write it as 14:30.")

    def text_of(self, value: Any) -> str:
        return _shorten(value.isoformat())


def _shorten(text: str) -> str:
    """14:30 for 14:30:00; browsers take at most milliseconds."""
    head, _, fraction = text.partition(".")
    if fraction:
        return f"{head}.{fraction[:3]}"
    return head[:-3] if head.endswith(":00") and head.count(":") == 2 else head


class DateTimeLocalField(_ClockField):
    """A moment in the time zone of the form. `aware=False` is for columns that hold naive UTC."""

    widget = widgets.DateTimeLocalInput()

    def __init__(self, *args: Any, aware: bool = True, **kwargs: Any) -> None:
        self._aware = aware
        self._given: dt.datetime | None = None
        super().__init__(*args, **kwargs)

    @property
    def zone(self) -> dt.tzinfo:
        form: Any = self._form
        while getattr(form.meta, "_parent_form", None) is not None:
            form = form.meta._parent_form
        zone: dt.tzinfo = getattr(form.meta, "timezone", None) or getattr(form, "_zone", dt.UTC)
        return zone

    @property  # type: ignore[override]
    def data(self) -> dt.datetime | None:
        """In UTC. The zone is asked for late: it may be set after the form was read."""
        try:
            return self._moment()
        except (OverflowError, ValueError):
            return None

    @data.setter
    def data(self, value: dt.datetime | None) -> None:
        self._given = value

    def _moment(self) -> dt.datetime | None:
        value = self._given
        if value is None:
            return None
        if value.utcoffset() is None:
            if super()._is_untouched(str(self.raw_data[0])):
                self.process_data(self.object_data)
                return self._moment()
            value = value.replace(tzinfo=self.zone)
        moment = value.astimezone(dt.UTC)
        return moment if self._aware else moment.replace(tzinfo=None)

    def _is_untouched(self, text: str) -> bool:
        return False  # known only when the zone is

    def process_data(self, value: Any) -> None:
        self._given = (
            value.replace(tzinfo=dt.UTC) if value is not None and value.utcoffset() is None else value
        )

    def parse(self, text: str) -> dt.datetime:
        if _MOMENT.fullmatch(text):
            try:
                return dt.datetime.fromisoformat(text)
            except ValueError:
                pass
        raise ValueError("This is not a date and time. Write it as 2026-12-31T14:30.")

    def text_of(self, value: Any) -> str:
        if value.utcoffset() is None:
            value = value.replace(tzinfo=dt.UTC)
        try:
            local = value.astimezone(self.zone)
        except OverflowError:
            local = value
        return _shorten(local.replace(tzinfo=None).isoformat())

    def pre_validate(self, form: Any) -> None:
        given = self._given
        if given is None or given.utcoffset() is not None:
            return
        try:
            back = given.replace(tzinfo=self.zone).astimezone(dt.UTC).astimezone(self.zone)
        except OverflowError as error:
            raise StopValidation("This moment is out of range.") from error
        if back.replace(tzinfo=None) != given:
            raise StopValidation("This moment does not exist: the clocks are put forward here.")


class DurationField(ParsedField):
    def parse(self, text: str) -> dt.timedelta:
        return parse_duration(text)

    def text_of(self, value: Any) -> str:
        return format_duration(value)


class UUIDField(ParsedField):
    def __init__(self, *args: Any, as_text: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._as_text = as_text

    def parse(self, text: str) -> uuid.UUID | str:
        try:
            value = uuid.UUID(text)
        except ValueError as error:
            raise ValueError("This is not a UUID.") from error
        return str(value) if self._as_text else value


class JSONField(TextAreaField):
    def parse(self, text: str) -> Any:
        try:
            return plain(json.loads(text, parse_constant=_no_constant))
        except json.JSONDecodeError as error:
            raise ValueError(
                f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
            ) from error
        except RecursionError as error:
            raise ValueError("This JSON is nested too deeply.") from error

    def text_of(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=2)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON can hold.")


class BooleanField(wtforms.BooleanField):
    """A check box. Nothing sent means not ticked."""

    false_values = (False, "", "false", "False", "0", "no", "off", "n")

    def _value(self) -> str:
        return "y"


class FileField(wtforms.FileField):
    """An uploaded file as bytes. Without an upload the old content stays."""

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        for upload in valuelist:
            if isinstance(upload, FileStorage) and upload:
                self.data = upload.read()
                return
