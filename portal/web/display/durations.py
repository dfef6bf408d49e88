"""Lengths of time as people write them."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import cache

from babel.units import format_unit

from portal.language import SOURCE, lazy_gettext, locale
from portal.language import gettext as _

HINT = lazy_gettext("For example 2 days 3:00, 90 minutes or PT1H30M.")

_CLOCK = re.compile(
    r"(?P<sign>[-+−])?\s*(?:(?P<days>\d{1,9})\s*(?:d|days?)\b,?\s*)?"
    r"(?:(?P<hours>\d{1,12}):(?P<minutes>[0-5]?\d)(?::(?P<seconds>[0-5]?\d(?:[.,]\d{1,6})?))?)?",
    re.ASCII | re.IGNORECASE,
)
_WORDS = re.compile(
    r"\s*(?P<number>\d{1,12}(?:[.,]\d{1,6})?)\s*"
    r"(?P<unit>weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)\b\s*(?:,|and\b)?",
    re.ASCII | re.IGNORECASE,
)
_ISO = re.compile(
    r"(?P<sign>[-+])?P(?:(?P<w>\d{1,12})W)?(?:(?P<d>\d{1,12}(?:[.,]\d{1,6})?)D)?"
    r"(?:T(?:(?P<h>\d{1,12}(?:[.,]\d{1,6})?)H)?(?:(?P<m>\d{1,12}(?:[.,]\d{1,6})?)M)?(?:(?P<s>\d{1,12}(?:[.,]\d{1,6})?)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_MICROSECOND = dt.timedelta(microseconds=1)


def parse_duration(text: str) -> dt.timedelta:
    """The length of time; ValueError when the text is none. Units are in English, or as the reader's language says
    them."""
    text = _in_english(text.strip())
    seconds = _parse_iso(text)
    if seconds is None:
        seconds = _parse_clock(text)
    if seconds is None:
        seconds = _parse_words(text)
    if seconds is None:
        raise ValueError(_("This is not a length of time. %(HINT)s", HINT=HINT))
    try:
        return int((seconds * 1_000_000).to_integral_value()) * _MICROSECOND
    except OverflowError as error:
        raise ValueError(_("This length of time is too long.")) from error


def _in_english(text: str) -> str:
    code = str(locale())
    if code.partition("_")[0] == SOURCE:
        return text
    return re.sub(r"[^\W\d_]+\.?", lambda word: _units(code).get(word[0].lower(), word[0]), text)


@cache
def _units(code: str) -> dict[str, str]:
    """The words and abbreviations of units in a language, each with the English word."""
    found: dict[str, str] = {}
    for unit in ("second", "minute", "hour", "day", "week"):
        for length in ("short", "long"):
            for number in (1, 2, 5):
                said = format_unit(number, f"duration-{unit}", length, locale=code)
                word = re.sub(r"[\d\s]", "", said).lower()
                found |= {word: unit, word.rstrip("."): unit}
    return found


def _parse_iso(text: str) -> Decimal | None:
    match = _ISO.fullmatch(text)
    if match is None or text[-1] in "PTpt":
        return None
    total = sum((_number(match[unit]) * size for unit, size in _SECONDS.items()), Decimal(0))
    return -total if match["sign"] == "-" else total


def _parse_clock(text: str) -> Decimal | None:
    match = _CLOCK.fullmatch(text)
    if match is None or (match["days"] is None and match["hours"] is None):
        return None
    total = (
        _number(match["days"]) * 86400
        + _number(match["hours"]) * 3600
        + _number(match["minutes"]) * 60
        + _number(match["seconds"])
    )
    return -total if match["sign"] in ("-", "−") else total


def _parse_words(text: str) -> Decimal | None:
    negative = text[:1] in ("-", "−")
    place, total = (1 if text[:1] in ("-", "−", "+") else 0), Decimal(0)
    if place == len(text):
        return None
    while place < len(text):
        match = _WORDS.match(text, place)
        if match is None:
            return None
        total += _number(match["number"]) * _SECONDS[match["unit"][0].lower()]
        place = match.end()
    return -total if negative else total


def _number(text: str | None) -> Decimal:
    return Decimal((text or "0").replace(",", "."))


def format_duration(value: dt.timedelta) -> str:
    """As `parse_duration` reads it: 2 days 3:00, 0:05:30, -1 day."""
    sign, value = ("-", -value) if value < dt.timedelta(0) else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    clock = f"{minutes // 60}:{minutes % 60:02}"
    if seconds or value.microseconds:
        clock += f":{seconds:02}"
    if value.microseconds:
        clock += f".{value.microseconds:06}".rstrip("0")
    if not value.days:
        return sign + clock
    said = format_unit(value.days, "duration-day", locale=locale())
    days = f"{value.days} " + re.sub(r"[\d\W]", "", said)
    return sign + (days if clock == "0:00" else f"{days} {clock}")
