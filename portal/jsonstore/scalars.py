"""Fields of one text, number, truth value or any JSON."""

from __future__ import annotations

import base64
import math
import re
import uuid
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from .field import Field, T
from .plain import check_scalar, check_text, plain

_EMAIL = re.compile(
    r"[^\s@<>()\[\]\\,;:\"]{1,64}@(?=.{1,253}$)[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)*"
)
#: more digits than this before or after the point are no amount of anything
_MOST_DIGITS = 100


class StringField(Field[str | None]):
    """A line of text. `min_length` and `max_length` count characters."""

    python_type = str

    def __init__(
        self, label: str = "", *, min_length: int | None = None, max_length: int | None = None, **options: Any
    ) -> None:
        super().__init__(label, **options)
        self.min_length = min_length
        self.max_length = max_length

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"A text is needed, not {type(value).__name__}.")
        value = check_text(str.__str__(value))
        if self.max_length is not None and len(value) > self.max_length:
            raise ValueError(f"At most {self.max_length} characters are possible, these are {len(value)}.")
        if self.min_length is not None and len(value) < self.min_length:
            raise ValueError(f"At least {self.min_length} characters are needed.")
        return value


class TextField(StringField):
    """Text of several lines."""


class EmailField(StringField):
    """A mail address. A blank text stands for none."""

    def check(self, value: Any) -> str:
        value = super().check(value)
        if value and not _EMAIL.fullmatch(value):
            raise ValueError("This is not a mail address.")
        return value


class URLField(StringField):
    """A web address with its scheme. A blank text stands for none."""

    #: others, like javascript:, would do harm in a link
    schemes = ("http", "https", "ftp")

    def check(self, value: Any) -> str:
        value = super().check(value)
        if value and not self._is_address(value):
            raise ValueError("This is not a web address such as https://example.com/.")
        return value

    def _is_address(self, value: str) -> bool:
        try:
            parts = urlsplit(value)
            return parts.scheme in self.schemes and bool(parts.hostname) and not re.search(r"[\s<>\"]", value)
        except ValueError:
            return False


class BooleanField(Field[bool | None]):
    """True or false."""

    python_type = bool
    sql_kind = "boolean"

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"True or False is needed, not {value!r}.")
        return value


class NumberField(Field[T]):
    """What the numbers have in common: their limits."""

    sql_kind = "number"

    def __init__(
        self,
        label: str = "",
        *,
        minimum: Any = None,
        maximum: Any = None,
        min_value: Any = None,
        max_value: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(label, **options)
        self.minimum = min_value if minimum is None else minimum
        self.maximum = max_value if maximum is None else maximum

    def check(self, value: Any) -> Any:
        value = self.number(value)
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"At least {self.minimum} is needed.")
        if self.maximum is not None and value > self.maximum:
            raise ValueError(f"At most {self.maximum} is possible.")
        return value

    def number(self, value: Any) -> Any:
        raise NotImplementedError

    def sql_value(self, value: Any) -> Any:
        return self.to_json(value) if self.enum is not None else value


class IntegerField(NumberField[int | None]):
    """A whole number."""

    python_type = int

    def number(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"A whole number is needed, not {value!r}.")
        return int(check_scalar(value))

    def from_sql_number(self, value: Any) -> Any:
        return None if value is None else self.from_json(int(value))


class FloatField(NumberField[float | None]):
    """A number in floating point."""

    python_type = float
    sql_kind = "float"

    def number(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"A number is needed, not {value!r}.")
        try:
            value = float(value)
        except OverflowError as error:
            raise ValueError("The number is too large.") from error
        if not math.isfinite(value):
            raise ValueError("A finite number is needed.")
        return float(value)

    def load(self, stored: Any) -> float:
        return float(stored)

    def from_sql_number(self, value: Any) -> Any:
        return None if value is None else self.from_json(value)


class DecimalField(NumberField[Decimal | None]):
    """An exact decimal number, such as money. `max_digits` counts all digits, `decimal_places` those after the point.

    It is kept as text and sorts as a number: exactly on PostgreSQL, to 15 digits on SQLite.
    """

    python_type = Decimal

    def __init__(
        self,
        label: str = "",
        *,
        max_digits: int | None = None,
        decimal_places: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(label, **options)
        self.max_digits = max_digits
        self.decimal_places = decimal_places

    def number(self, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise ValueError(f"A Decimal is needed, not {value!r}.")
        value = Decimal(value)
        if not value.is_finite():
            raise ValueError("A finite number is needed.")
        places = _places(value)
        before = max(value.adjusted() + 1, 0) if value else 0
        if before > _MOST_DIGITS or places > _MOST_DIGITS:
            raise ValueError("The number has too many digits.")
        if self.decimal_places is not None and places > self.decimal_places:
            raise ValueError(f"At most {self.decimal_places} decimal places are possible.")
        if self.max_digits is not None and before > self.max_digits - (self.decimal_places or 0):
            raise ValueError(
                f"At most {self.max_digits - (self.decimal_places or 0)} digits before the point are possible."
            )
        if self.max_digits is not None and before + places > self.max_digits:
            raise ValueError(f"At most {self.max_digits} digits are possible.")
        return value

    def dump(self, value: Any) -> str:
        return format(Decimal(value), "f")

    def load(self, stored: Any) -> Decimal:
        return Decimal(str(stored))

    def from_sql_number(self, value: Any) -> Any:
        return None if value is None else self.from_json(value)


def _places(value: Decimal) -> int:
    """The places after the point that count: 1.500 has one."""
    if not value:
        return 0
    _, digits, exponent = value.as_tuple()
    places = -int(exponent)
    for digit in reversed(digits):
        if digit or places <= 0:
            break
        places -= 1
    return max(places, 0)


class UUIDField(Field[uuid.UUID | None]):
    """A UUID."""

    python_type = uuid.UUID

    def check(self, value: Any) -> uuid.UUID:
        if not isinstance(value, uuid.UUID):
            raise ValueError(f"A UUID is needed, not {type(value).__name__}.")
        return value

    def dump(self, value: Any) -> str:
        return str(value)

    def load(self, stored: Any) -> uuid.UUID:
        return uuid.UUID(stored)


class ChoiceField(Field[Any]):
    """One of `choices`."""

    def __init__(self, label: str = "", *, choices: Any, **options: Any) -> None:
        super().__init__(label, choices=choices, **options)
        values = [value for value, _ in self.choices or ()]
        for value in values:
            if not isinstance(value, (str, int, float)):
                raise ValueError(f"A choice is stored as a text or a number, not as {type(value).__name__}.")
        kinds = {type(value) for value in values}
        self.python_type = self.enum or (kinds.pop() if len(kinds) == 1 else object)
        if values and all(
            isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
        ):
            self.sql_kind = "number"

    def from_sql_number(self, value: Any) -> Any:
        # The database's number is one of the choices in another type.
        known = next(
            (choice for choice, _ in self.choices or () if value is not None and choice == value), value
        )
        return self.from_json(known)


class JSONField(Field[Any]):
    """Any JSON: mappings, lists, texts, numbers, truth values. A change inside it is tracked."""

    sql_kind = "json"

    def check(self, value: Any) -> Any:
        try:
            return plain(value)
        except RecursionError as error:
            raise ValueError("The value is nested too deeply.") from error

    def dump(self, value: Any) -> Any:
        return plain(value)


class BinaryField(Field[bytes | None]):
    """Bytes, kept as base64: for small ones. `max_length` counts bytes."""

    python_type = bytes

    def __init__(self, label: str = "", *, max_length: int | None = None, **options: Any) -> None:
        super().__init__(label, **options)
        self.max_length = max_length

    def check(self, value: Any) -> bytes:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise ValueError(f"Bytes are needed, not {type(value).__name__}.")
        value = bytes(value)
        if self.max_length is not None and len(value) > self.max_length:
            raise ValueError(f"At most {self.max_length} bytes are possible, these are {len(value)}.")
        return value

    def dump(self, value: Any) -> str:
        return base64.b64encode(value).decode("ascii")

    def load(self, stored: Any) -> bytes:
        return base64.b64decode(stored)


__all__ = [
    "BinaryField",
    "BooleanField",
    "ChoiceField",
    "DecimalField",
    "EmailField",
    "FloatField",
    "IntegerField",
    "JSONField",
    "NumberField",
    "StringField",
    "TextField",
    "URLField",
    "UUIDField",
]
