"""Reads single settings: numbers, switches, spans of time, addresses. What is wrong is told with the setting's name."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from portal.flow.notices import url_faults
from portal.flow.retention import Retention, parse
from portal.office_holidays import office_holidays
from portal.working_time import OFFICE_HOURS, WorkingCalendar, parse_holidays, parse_hours

PREFIX = "PORTAL_"
#: the longest span that a setting may say: ten years
LONGEST = 10 * 366 * 86_400


@contextmanager
def naming(name: str) -> Iterator[None]:
    """What is wrong with a setting is told with its name."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{PREFIX}{name}: {error}") from None


def text(_name: str, value: Any) -> str:
    return str(value or "")


def as_given(_name: str, value: Any) -> Any:
    return value


def address(name: str, value: Any) -> str:
    """The address of a site, without a slash at its end."""
    found = str(value).rstrip("/")
    try:
        parts = urlsplit(found)
        fit = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fit = False
    if not fit or re.search(r"[\s?#]", found):
        raise ValueError(f"{PREFIX}{name} is {value!r}; it is an address such as https://portal.example.com")
    return found


def names(_name: str, value: Any) -> tuple[str, ...]:
    """Names with commas between them, or a sequence of names."""
    found = value.split(",") if isinstance(value, str) else value
    return tuple(each.strip() for each in found if each.strip())


def modules(name: str, value: Any) -> tuple[str, ...]:
    """Names of modules and packages."""
    given = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if not all(isinstance(each, str) for each in given):
        raise ValueError(
            f"{PREFIX}{name} is {value!r}; it is names of modules, such as flows or office.flows"
        )
    found = names(name, ",".join(given))
    for each in found:
        if each.startswith("."):
            raise ValueError(
                f"{PREFIX}{name} names {each!r}, which is no name of a module; write {each.lstrip('.')!r}"
            )
    return found


def urls(name: str, value: Any) -> tuple[str, ...]:
    """Addresses that can be called."""
    found = names(name, value)
    with naming(name):
        for fault in (fault for url in found for fault in url_faults(url)):
            raise ValueError(fault)
    return found


def number(name: str, value: Any) -> int:
    try:
        found = int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{PREFIX}{name} is {value!r}; it is a number") from None
    if found < 0:
        raise ValueError(f"{PREFIX}{name} is {value!r}; it is a number, 0 or more")
    return found


def size(name: str, value: Any) -> int:
    """A number of bytes, or a text such as `32 MB`."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(k|m|g|)(?:i?b)?\s*", str(value), re.IGNORECASE)
    if found is None or not float(found[1]):
        raise ValueError(f"{PREFIX}{name} is {value!r}; it is a size such as 32 MB")
    return int(float(found[1]) * 1024 ** ["", "k", "m", "g"].index(found[2].lower()))


def seconds(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{PREFIX}{name} is {value!r}; it is a number of seconds") from None


def span(name: str, value: Any) -> dt.timedelta:
    found = seconds(name, value)
    if not 0 < found <= LONGEST:  # nor is it "nan"
        raise ValueError(f"{PREFIX}{name} is {value!r}; it is a number of seconds above 0, ten years at most")
    return dt.timedelta(seconds=found)


def one_of(*known: str) -> Any:
    """A reader of one of these words."""

    def read(name: str, value: Any) -> str:
        if value not in known:
            raise ValueError(f"{PREFIX}{name} is {value!r}; it can be {' or '.join(known)}")
        return str(value)

    return read


def switch(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    same = {"1": "on", "true": "on", "yes": "on", "0": "off", "false": "off", "no": "off"}
    said = str(value).lower()
    return bool(one_of("on", "off")(name, same.get(said, said)) == "on")


def retention(name: str, value: Any) -> Mapping[str, tuple[Retention, ...]]:
    """Rules of retention by the labels of flows."""
    with naming(name):
        return parse(str(value))


def calendar(values: MutableMapping[str, Any]) -> WorkingCalendar:
    """The calendar of the office: the holidays of a place as the library `holidays` names it, and its own."""
    place, zone_name = str(values.pop("CALENDAR", "")), str(values.pop("TIMEZONE", "UTC"))
    try:
        zone = zoneinfo.ZoneInfo(zone_name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{PREFIX}TIMEZONE is {zone_name!r}; it is a zone such as Europe/Zurich") from None
    with naming("WORKING_HOURS"):
        week = parse_hours(str(values.pop("WORKING_HOURS", OFFICE_HOURS)))
    with naming("HOLIDAYS"):
        days = parse_holidays(str(values.pop("HOLIDAYS", "")))
    try:
        return WorkingCalendar(week, zone, *office_holidays(place, days))
    except ValueError as error:
        raise ValueError(f"{PREFIX}CALENDAR is {place!r}: {error}") from None


def mail(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of Flask-Mailman, which takes them as numbers and truths."""
    found: dict[str, Any] = {"MAIL_TIMEOUT": 10}
    readers = {"MAIL_PORT": number, "MAIL_TIMEOUT": number, "MAIL_USE_TLS": switch, "MAIL_USE_SSL": switch}
    return found | {name: read(name, values[name]) for name, read in readers.items() if name in values}
