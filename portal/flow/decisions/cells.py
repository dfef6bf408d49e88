"""The cells of a table: S-FEEL's simple tests and literals, read by the kind of their column.

S-FEEL is what DMN calls the part of its language that tables need: `< 5`, `[1..10]`, `"a", "b"`, `not(true)`, `-`.
"""

from __future__ import annotations

import datetime as dt
import enum
import operator
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from ..kinds import Kind
from .table import Test

_COMPARED = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_COMPARISON = re.compile(r"(<=|>=|!=|<|>|=)\s*(.+)", re.DOTALL)
_INTERVAL = re.compile(r"([\[\](])?\s*(.+?)\s*\.\.\s*(.+?)\s*([\[\])])?", re.DOTALL)
_NOT = re.compile(r"not\s*\((.*)\)", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
#: `date("2026-01-01")` and the like
_MADE = re.compile(r'(?:date|time|date and time|duration)\s*\(\s*"([^"]*)"\s*\)')
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


class Odd(ValueError):
    """A cell is no simple test or literal of its column's kind."""


def test(text: str, kind: Kind, strict: bool) -> Test | None:
    """The test that a cell of conditions says; None where anything passes.

    Args:
        strict: texts stand in quotes, as in DMN.

    Raises:
        Odd: it says none; the message tells why.
    """
    text = text.strip()
    if text in ("", "-"):
        return None
    if (inner := _NOT.fullmatch(text)) and _balanced(inner[1]):
        passes = test(inner[1], kind, strict)
        return lambda value, others: passes is not None and not passes(value, others)
    tests = [_part(part, kind, strict) for part in parts(text)]
    return lambda value, others: any(each(plain(value)) for each in tests)


def parts(text: str) -> Iterator[str]:
    """The parts of a list, which commas outside of quotes and brackets part."""
    depth, begin, quoted = 0, 0, False
    for at, sign in enumerate(text):
        if sign == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif (
            not quoted and sign == "(" and re.search(r"\w\s*$", text[begin:at])
        ):  # a call, and no end of a range
            depth += 1
        elif not quoted and sign == ")" and depth:
            depth -= 1
        elif not quoted and sign == "," and depth == 0:
            yield text[begin:at].strip()
            begin = at + 1
    yield text[begin:].strip()


def _balanced(text: str) -> bool:
    """Whether no bracket is closed that the text does not open."""
    depth = 0
    for sign in re.sub(_QUOTED, "", text):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return True


def _part(text: str, kind: Kind, strict: bool) -> Callable[[Any], bool]:
    if found := _COMPARISON.fullmatch(text):
        compare, other = _COMPARED[found[1]], literal(found[2], kind, strict)
        if found[1] not in ("=", "!="):
            _orderable(other, text)
            return lambda value: value is not None and bool(compare(value, other))
        return lambda value: bool(compare(value, other))
    if not _QUOTED.fullmatch(text) and (found := _INTERVAL.fullmatch(text)):
        low, high = literal(found[2], kind, strict), literal(found[3], kind, strict)
        _orderable(low, text)
        _orderable(high, text)
        if low > high:
            raise Odd(f"{text} is empty: its first end is the higher one")
        above = operator.gt if found[1] in ("(", "]") else operator.ge
        below = operator.lt if found[4] in (")", "[") else operator.le
        return lambda value: value is not None and bool(above(value, low)) and bool(below(value, high))
    same = literal(text, kind, strict)
    return lambda value: bool(value == same) and isinstance(value, bool) is isinstance(same, bool)


def _orderable(value: Any, text: str) -> None:
    if value is None or isinstance(value, bool | str):
        raise Odd(f"{text} compares by size, and {value!r} has none")


def literal(text: str, kind: Kind, strict: bool) -> Any:
    """The value that a cell writes down.

    Raises:
        Odd: it writes down none of this kind.
    """
    text = text.strip()
    if text == "null" or (text == "" and not strict):
        return None
    quoted, made = _QUOTED.fullmatch(text), _MADE.fullmatch(text)
    if quoted or made:
        bare = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else made[1] if made else ""
    elif strict and text not in ("true", "false") and not _NUMBER.fullmatch(text):
        raise Odd(f"{text} is no value: texts stand in quotes")
    else:
        bare = text
    if kind.choices:
        return _choice(bare, kind.choices)
    if kind.type is None:
        return bare if quoted else _guessed(bare)
    return _read(bare, kind.type)


def _choice(text: str, choices: tuple[Any, ...]) -> Any:
    for choice in map(plain, choices):
        if str(choice) == text:
            return choice
    raise Odd(f"{text!r} is not one of the choices: {', '.join(str(plain(each)) for each in choices)}")


def _guessed(text: str) -> Any:
    """A value of a column whose kind nobody knows."""
    if text in ("true", "false"):
        return _TRUTHS[text]
    for kind in (Decimal, dt.date, dt.datetime):
        try:
            return _read(text, kind)
        except Odd:
            pass
    return text


def _read(text: str, kind: type) -> Any:
    read = next((_READERS[base] for base in kind.__mro__ if base in _READERS), None)
    if read is None:
        return text
    try:
        return read(text)
    except (ValueError, InvalidOperation, KeyError):
        raise Odd(f"{text!r} is no {_WORDS.get(kind, kind.__name__)}") from None


def _finite(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(text)
    return value


_READERS: dict[type, Callable[[str], Any]] = {
    bool: lambda text: _TRUTHS[text.lower()],
    int: _finite,
    float: _finite,
    Decimal: _finite,
    dt.datetime: dt.datetime.fromisoformat,
    dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat,
}
_WORDS = {
    bool: "yes or no",
    int: "number",
    float: "number",
    Decimal: "number",
    dt.date: "date",
    dt.datetime: "moment",
}


def plain(value: Any) -> Any:
    """A value as cells are compared with it: exact, and the value of a member of an Enum."""
    if isinstance(value, enum.Enum):
        return value.value
    return Decimal(repr(value)) if isinstance(value, float) else value


def fitted(value: Any, kind: Kind) -> Any:
    """A result as its column's field takes it."""
    if value is not None and isinstance(kind.type, type) and issubclass(kind.type, enum.Enum):
        return kind.type(value)
    if isinstance(value, Decimal) and kind.type is int and value == int(value):
        return int(value)
    return float(value) if isinstance(value, Decimal) and kind.type is float else value
