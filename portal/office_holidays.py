"""The holidays of an office, whole days and half ones: those of its country, and its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Mapping


def office_holidays(place: str, own: Mapping[dt.date, bool]) -> tuple[Container[dt.date], Container[dt.date]]:
    """The holidays and the half days of an office.

    Args:
        place: a country, or a part of one, as the library `holidays` names it: `CH`, `CH-ZH`; empty for none.
        own: by date whether it is half a day only.

    Raises:
        ValueError: the library does not know the place.
    """
    whole = [day for day, is_half in own.items() if not is_half]
    half = [day for day, is_half in own.items() if is_half]
    if not place:
        return frozenset(whole), frozenset(half)
    import holidays  # takes a while, and most portals can do without

    country, _, part = place.partition("-")
    try:
        public = holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError as error:
        raise ValueError(f"{error}; name it as the library `holidays` does, such as CH or CH-ZH") from None
    public.update(*whole)
    if "half_day" not in public.supported_categories:
        return public, frozenset(half)
    halves = holidays.country_holidays(country, subdiv=part or None, categories=("half_day",))
    halves.update(*half)
    return public, halves
