"""Inputs of dates, times, moments and lengths of time."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from markupsafe import Markup
from wtforms import widgets
from wtforms.validators import StopValidation

from portal.language import gettext as _

from ..display.durations import format_duration, parse_duration
from .inputs import ParsedField, outermost

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)


class DateField(ParsedField):
    widget = widgets.DateInput()

    def parse(self, text: str) -> dt.date:
        if _DATE.fullmatch(text):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                pass
        raise ValueError(_("This is not a date. Write it as 2026-12-31."))

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
        raise ValueError(_("This is not a time of day. Write it as 14:30."))

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
        form = outermost(self)
        zone: dt.tzinfo = getattr(form.meta, "timezone", getattr(form, "_zone", dt.UTC))
        return zone

    @property
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
            if self.raw_data and super()._is_untouched(str(self.raw_data[0])):
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
        raise ValueError(_("This is not a date and time. Write it as 2026-12-31T14:30."))

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
            raise StopValidation(_("This moment is out of range.")) from error
        if back.replace(tzinfo=None) != given:
            raise StopValidation(_("This moment does not exist: the clocks are put forward here."))


class DurationField(ParsedField):
    def parse(self, text: str) -> dt.timedelta:
        return parse_duration(text)

    def text_of(self, value: Any) -> str:
        return format_duration(value)
