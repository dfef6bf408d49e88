"""Numbers as the reader's language writes them, and as people type them."""

from __future__ import annotations

import re
from decimal import Decimal

from babel.numbers import get_decimal_symbol, get_group_symbol

from portal.language import gettext as _
from portal.language import locale

#: what else may stand between groups of three digits, whatever the language
_GROUPS = frozenset(" '’")
_SPACES = str.maketrans("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{MINUS SIGN}", "  -")
_TYPED = re.compile(
    r"(?P<sign>[+-]?)(?P<body>\d[\d.,'’ ]*|[.,]\d+)(?P<exponent>e[+-]?\d{1,4})?", re.ASCII | re.I
)


def write(value: int | float | Decimal, *, grouped: bool = False) -> str:
    """Every digit of a number, with the decimal symbol of the reader's language.

    Args:
        grouped: with the language's mark between thousands, as lists have it; `read` understands both.
    """
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    whole, point, rest = text.partition(".")
    if grouped and "e" not in whole:
        whole = f"{int(whole):,}".replace(",", get_group_symbol(locale())) if int(whole) else whole
    return f"{whole}{get_decimal_symbol(locale()) if point else ''}{rest}"


def not_a_number() -> ValueError:
    """What is said of a text that is no number."""
    return ValueError(_("This is not a number. Write it as %(example)s.", example=write(Decimal("1234.50"))))


def read(text: str) -> str:
    """A typed number as Python writes it: `1.234,50` of a German is `1234.50`.

    Thousands may be grouped where each group is right. The point or comma that is not the language's own decimal symbol
    is taken for one where nothing else can be meant (`12.5`); where it could also group thousands, it is asked back.

    Raises:
        ValueError: it is no number, or one that can be read in two ways.
    """
    match = _TYPED.fullmatch(text.translate(_SPACES).strip())
    if match is None:
        raise not_a_number()
    return match["sign"] + _body(match["body"]) + (match["exponent"] or "")


def _body(text: str) -> str:
    decimal, other = (",", ".") if get_decimal_symbol(locale()) == "," else (".", ",")
    marks = [sign for sign in text if not sign.isdigit()]
    if not marks:
        return text
    last = marks[-1]
    if last == decimal or (last == other and len(set(marks)) > 1 and marks.count(last) == 1):
        if marks.count(last) > 1:
            raise not_a_number()
        whole, _mark, rest = text.rpartition(last)
        return f"{_ungrouped(whole)}.{rest}"
    if last == other and len(marks) == 1:
        return _doubtful(text, other)
    return _ungrouped(text)


def _doubtful(text: str, mark: str) -> str:
    """A number with one mark, which is not the decimal symbol of the language."""
    whole, _mark, rest = text.partition(mark)
    if len(rest) != 3:
        return f"{whole}.{rest}"
    if 1 <= len(whole) <= 3 and not whole.startswith("0"):
        return whole + rest
    one, other = write(Decimal(f"{whole or 0}.{rest}")), f"{int(whole or 0)}{rest}"
    raise ValueError(
        _("Is this %(one)s or %(other)s? Write it without a mark between thousands.", one=one, other=other)
    )


def _ungrouped(text: str) -> str:
    """The digits of a whole number whose thousands are grouped rightly, or not at all."""
    marks = {sign for sign in text if not sign.isdigit()}
    if not marks:
        return text
    groups = re.split(r"[.,'’ ]", text)
    right = len(marks) == 1 and 1 <= len(groups[0]) <= 3 and all(len(each) == 3 for each in groups[1:])
    if not right or (groups[0].startswith("0") and marks - _GROUPS):
        raise ValueError(_("The marks between thousands are not in their places. Write it without them."))
    return "".join(groups)
