"""Fields of numbers. They compare and sort as numbers in SQL too."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from portal.language import gettext as _

from .field import D, Field, N, Options, V
from .plain import check_scalar

#: more digits than this before or after the point are no amount of anything
_MOST_DIGITS = 100


class NumberField(Field[V, N, D]):
    """What the numbers have in common: their limits.

    Args:
        min_value: the least value that is allowed; also `minimum`.
        max_value: the largest one; also `maximum`.
    """

    sql_kind = "number"

    def __init__(
        self,
        label: str = "",
        *,
        minimum: Any = None,
        maximum: Any = None,
        min_value: Any = None,
        max_value: Any = None,
        required: N = False,  # type: ignore[assignment]
        default: D = None,  # type: ignore[assignment]
        **options: Unpack[Options],
    ) -> None:
        super().__init__(label, required=required, default=default, **options)  # type: ignore[arg-type]
        self.minimum = min_value if minimum is None else minimum
        self.maximum = max_value if maximum is None else maximum

    def check(self, value: Any) -> Any:
        value = self.number(value)
        if self.minimum is not None and value < self.minimum:
            raise ValueError(_("At least %(minimum)s is needed.", minimum=self.minimum))
        if self.maximum is not None and value > self.maximum:
            raise ValueError(_("At most %(maximum)s is possible.", maximum=self.maximum))
        return value

    def number(self, value: Any) -> Any:
        raise NotImplementedError

    def sql_value(self, value: Any) -> Any:
        return self.to_json(value) if self.enum is not None else value


class IntegerField(NumberField[int, N, D]):
    """A whole number."""

    python_type = int

    def number(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"A whole number is needed, not {value!r}.")
        return int(check_scalar(value))

    def from_sql_number(self, value: Any) -> Any:
        return None if value is None else self.from_json(int(value))


class FloatField(NumberField[float, N, D]):
    """A number in floating point."""

    python_type = float
    sql_kind = "float"

    def number(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"A number is needed, not {value!r}.")
        try:
            value = float(value)
        except OverflowError as error:
            raise ValueError(_("The number is too large.")) from error
        if not math.isfinite(value):
            raise ValueError(_("A finite number is needed."))
        return float(value)

    def load(self, stored: Any) -> float:
        return float(stored)

    def from_sql_number(self, value: Any) -> Any:
        return None if value is None else self.from_json(value)


class DecimalField(NumberField[Decimal, N, D]):
    """An exact decimal number, such as money.

    It is kept as text and sorts as a number: exactly on PostgreSQL, to 15 digits on SQLite. It takes a Decimal or an
    int, never a float.

    Args:
        max_digits: how many digits it may have in all.
        decimal_places: how many of them after the point.
        min_value: the least value that is allowed.
        max_value: the largest one.
    """

    python_type = Decimal

    def __init__(
        self,
        label: str = "",
        *,
        max_digits: int | None = None,
        decimal_places: int | None = None,
        minimum: Decimal | int | None = None,
        maximum: Decimal | int | None = None,
        min_value: Decimal | int | None = None,
        max_value: Decimal | int | None = None,
        required: N = False,  # type: ignore[assignment]
        default: D = None,  # type: ignore[assignment]
        **options: Unpack[Options],
    ) -> None:
        limits = {"minimum": minimum, "maximum": maximum, "min_value": min_value, "max_value": max_value}
        super().__init__(label, required=required, default=default, **limits, **options)  # type: ignore[arg-type]
        self.max_digits = max_digits
        self.decimal_places = decimal_places

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __set__(
            self: DecimalField[Literal[True], Any], instance: object, value: Decimal | int
        ) -> None: ...
        @overload
        def __set__(self: DecimalField[Any, None], instance: object, value: Decimal | int | None) -> None: ...
        @overload
        def __set__(self, instance: object, value: Decimal | int) -> None: ...

        def __set__(self, instance: object, value: Any) -> None: ...

    def number(self, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise ValueError(f"A Decimal is needed, not {value!r}.")
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError(_("A finite number is needed."))
        places = _places(number)
        before = max(number.adjusted() + 1, 0) if number else 0
        if before > _MOST_DIGITS or places > _MOST_DIGITS:
            raise ValueError(_("The number has too many digits."))
        if self.decimal_places is not None and places > self.decimal_places:
            raise ValueError(
                _(
                    "At most %(decimal_places)s decimal places are possible.",
                    decimal_places=self.decimal_places,
                )
            )
        if self.max_digits is not None:
            room = self.max_digits - (self.decimal_places or 0)
            if before > room:
                raise ValueError(_("At most %(room)s digits before the point are possible.", room=room))
            if before + places > self.max_digits:
                raise ValueError(_("At most %(max_digits)s digits are possible.", max_digits=self.max_digits))
        exponent = int(number.as_tuple().exponent)
        return number if abs(exponent) <= _MOST_DIGITS else _short(number)

    def dump(self, value: Any) -> str:
        return format(Decimal(value), "f")

    def load(self, stored: Any) -> Decimal:
        return Decimal(str(stored))

    def from_sql_number(self, value: Any) -> Any:
        # SQLite computes in floating point: what it knows are 15 digits.
        known = Decimal(f"{value:.15g}") if isinstance(value, float) else value
        return None if known is None else self.from_json(known)


def _short(value: Decimal) -> Decimal:
    """Without zeros at the end. Decimal.normalize would round to 28 digits."""
    sign, digits, exponent = value.as_tuple()
    kept = "".join(map(str, digits)).rstrip("0")
    if not kept:
        return Decimal(0)
    return Decimal((sign, tuple(map(int, kept)), int(exponent) + len(digits) - len(kept)))


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
