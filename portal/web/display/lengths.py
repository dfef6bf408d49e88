"""How long something took, in the unit that says it best."""

from __future__ import annotations

from portal.language import gettext as _

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
        return _("%(number)s h", number=f"{seconds / _HOUR:.1f}")
    return _("%(number)s d", number=f"{seconds / _DAY:.1f}")
