"""How long something took, in the unit that says it best."""

from __future__ import annotations

from babel.numbers import format_decimal

from portal.language import gettext as _
from portal.language import locale

_HOUR, _DAY = 3600, 86_400


def length(seconds: float | None) -> str:
    """`40 s`, `12 min`, `19.7 h`, `2.1 d`; a dash where there is none."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return _("%(number)s s", number=round(seconds))
    if seconds < _HOUR:
        return _("%(number)s min", number=round(seconds / 60))
    if seconds < 2 * _DAY:
        return _("%(number)s h", number=_tenths(seconds / _HOUR))
    return _("%(number)s d", number=_tenths(seconds / _DAY))


def _tenths(number: float) -> str:
    return format_decimal(number, "0.0", locale=locale())
