"""The language in which a page or a mail is written: gettext over Babel's catalogues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.support import LazyProxy, NullTranslations, Translations

#: the language of the sources
SOURCE = "en"
DOMAIN = "portal"
FOLDER = Path(__file__).parent / "translations"

_ENGLISH = Locale(SOURCE)
_locale: ContextVar[Locale | None] = ContextVar("portal_locale", default=None)


def locale() -> Locale:
    """The locale of the page or mail that is being written."""
    return _locale.get() or _ENGLISH


@contextmanager
def use(chosen: Locale | str) -> Iterator[None]:
    """Write in this language until the block ends."""
    token = _locale.set(Locale.parse(chosen))
    try:
        yield
    finally:
        _locale.reset(token)


@cache
def _catalogue(chosen: str) -> NullTranslations:
    return Translations.load(FOLDER, [chosen], DOMAIN)


def _translations() -> NullTranslations:
    return _catalogue(str(locale()))


def gettext(message: str, **values: Any) -> str:
    """The message in the reader's language.

    Args:
        message: the English text, with `%(name)s` where values go.
        values: what goes there. Without any, a `%` in the message stands for itself.
    """
    text: str = _translations().gettext(message)
    return text % values if values else text


def ngettext(one: str, many: str, number: int, **values: Any) -> str:
    """The message for a number of things; `%(number)s` is that number."""
    text = str(_translations().ngettext(one, many, number))
    return text % {"number": number, **values}


def pgettext(context: str, message: str, **values: Any) -> str:
    """The message as it is said in this context: English words such as "Open" have several meanings."""
    text = str(_translations().pgettext(context, message))
    return text % values if values else text


def lazy_gettext(message: str, **values: Any) -> Any:
    """A text for a label that is declared once and read by many: its language is chosen when it is written. Libraries
    take it for a `str`, though it is a `LazyProxy`."""
    return LazyProxy(gettext, message, enable_cache=False, **values)
