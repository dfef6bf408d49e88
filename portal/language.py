"""The language in which a page or a mail is written: gettext over catalogues, which Babel reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.support import NullTranslations, Translations
from markupsafe import escape

#: the language of the sources
SOURCE = "en"
FOLDER = Path(__file__).parent / "translations"

_ENGLISH = Locale(SOURCE)
_locale: ContextVar[Locale | Callable[[], Locale] | None] = ContextVar("portal_locale", default=None)
#: where catalogues are; those of a later folder come before those of an earlier one
_folders = [FOLDER]


def locale() -> Locale:
    """The locale of the page or mail that is being written."""
    chosen = _locale.get()
    return chosen() if callable(chosen) else chosen or _ENGLISH


@contextmanager
def use(chosen: Locale | str | None) -> Iterator[None]:
    """Write in this language until the block ends; in English where there is no catalogue of it."""
    token = begin(known(chosen) if isinstance(chosen, str) else chosen)
    try:
        yield
    finally:
        end(token)


def begin(chosen: Locale | Callable[[], Locale] | None) -> Token[Any]:
    """Write in this language from now on, or in the one that a function answers, which is asked when a word is needed.
    What comes back is for `end`."""
    return _locale.set(chosen)


def settle(chosen: Locale | Callable[[], Locale]) -> None:
    """Write in this language for what is left of what `begin` began."""
    _locale.set(chosen)


def end(token: Token[Any]) -> None:
    """Write in the language of before `begin`."""
    _locale.set(None if token.old_value is Token.MISSING else token.old_value)


def add_folder(folder: Path) -> None:
    """Read the catalogues of a site too: `<language>/LC_MESSAGES/*.po`, or `*.mo` where nobody has the other.

    They say what the flows' own texts are in other languages, change a word of ours, or bring a language.
    """
    if folder.is_dir() and folder not in _folders:
        _folders.append(folder)
        for known_by_now in (languages, known, _catalogue):
            known_by_now.cache_clear()
        _spoken.clear()


@cache
def languages() -> tuple[str, ...]:
    """The codes of the languages that there are, English first."""
    found = {
        _code(path.name) for folder in _folders for path in folder.glob("*") if _files(folder, path.name)
    }
    return (SOURCE, *sorted(found - {SOURCE, ""}))


@lru_cache(maxsize=1000)
def known(code: str | None) -> Locale | None:
    """The locale of a code such as `de` or `de-CH`, if there is a catalogue of its language."""
    found = _code(code or "")
    language = found.partition("_")[0]
    return Locale.parse(found) if found and {found, language} & set(languages()) else None


def _code(text: str) -> str:
    try:
        return str(Locale.parse(text.replace("-", "_")))
    except (UnknownLocaleError, ValueError, TypeError):
        return ""


def _files(folder: Path, code: str) -> list[Path]:
    inside = folder / code / "LC_MESSAGES"
    return sorted(inside.glob("*.po")) or sorted(inside.glob("*.mo"))


@cache
def _catalogue(chosen: str) -> NullTranslations:
    """What is known of a locale: its own words (`de_CH`), then those of its language (`de`)."""
    found: NullTranslations | None = None
    for code in dict.fromkeys((chosen.partition("_")[0], chosen)):
        for path in (path for folder in _folders for path in _files(folder, code)):
            catalogue = _read(path)
            found = catalogue if found is None else found.merge(catalogue)  # type: ignore[attr-defined]
    return found or NullTranslations()


#: locales, each with its code and its catalogue, by their identity: Babel spells a code out each time that it is asked
_spoken: dict[int, tuple[Locale, str, NullTranslations]] = {}


def _read(path: Path) -> Translations:
    compiled = BytesIO(path.read_bytes())
    if path.suffix == ".po":
        from babel.messages.mofile import write_mo  # English needs no catalogue
        from babel.messages.pofile import read_po

        catalogue, compiled = read_po(compiled), BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
    return Translations(compiled)


def code() -> str:
    """The code of that locale."""
    return _known_of(locale())[1]


def _translations() -> NullTranslations:
    chosen = _locale.get()
    found = _spoken.get(id(chosen))
    return found[2] if found is not None and found[0] is chosen else _known_of(locale())[2]


def _known_of(chosen: Locale) -> tuple[Locale, str, NullTranslations]:
    found = _spoken.get(id(chosen))
    if found is None or found[0] is not chosen:
        if len(_spoken) > 1000:
            _spoken.clear()
        code = str(chosen)
        found = _spoken[id(chosen)] = (chosen, code, _catalogue(code))
    return found


def _filled(text: str, values: dict[str, Any]) -> str:
    """The values in their places; among markup, what is not markup is escaped."""
    for value in values.values():
        if hasattr(value, "__html__"):
            return escape(text) % values
    return text % values


def gettext(message: str, **values: Any) -> str:
    """The message in the reader's language.

    Args:
        message: the English text, with `%(name)s` where values go.
        values: what goes there. Without any, a `%` in the message stands for itself.
    """
    text = str(_translations().gettext(message)) if message else ""
    return _filled(text, values) if values else text


def ngettext(one: str, many: str, number: int, **values: Any) -> str:
    """The message for a number of things; `%(number)s` is that number."""
    text = str(_translations().ngettext(one, many, number))
    return _filled(text, {"number": number, **values})


def pgettext(context: str, message: str, **values: Any) -> str:
    """The message as it is said in this context: English words such as "Open" have several meanings."""
    text = str(_translations().pgettext(context, message))
    return _filled(text, values) if values else text


class LazyText(str):
    """A text whose language is chosen when it is written: `str()`, a template or a format makes it a plain one.

    Libraries take it for a `str`; what compares it, hashes it or writes it as JSON has the English words.
    """

    _message: str
    _values: Mapping[str, Any]
    _context: str = ""

    def __new__(cls, message: str, **values: Any) -> LazyText:
        made = super().__new__(cls, message % values if values else message)
        made._message, made._values = message, values
        return made

    def __str__(self) -> str:
        if self._context:
            return pgettext(self._context, self._message, **self._values)
        return gettext(self._message, **self._values)

    def __html__(self) -> str:
        return str(escape(str(self)))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __mod__(self, values: Any) -> str:
        return str(str(self) % values)

    def __add__(self, other: str) -> str:
        return str(self) + other

    def __radd__(self, other: str) -> str:
        return other + str(self)

    def format(self, *args: Any, **values: Any) -> str:
        return str(self).format(*args, **values)

    def capitalize(self) -> str:
        return str(self).capitalize()

    def lower(self) -> str:
        return str(self).lower()

    def rstrip(self, chars: str | None = None, /) -> str:
        return str(self).rstrip(chars)

    def removesuffix(self, suffix: str, /) -> str:
        return str(self).removesuffix(suffix)

    def __reduce__(self) -> Any:
        return str, (str(self),)


def lazy_gettext(message: str, **values: Any) -> Any:
    """A text for a label that is declared once and read by many: its language is chosen when it is written."""
    return LazyText(message, **values)


def lazy_pgettext(context: str, message: str, **values: Any) -> Any:
    """Such a text whose message is said in a context."""
    made = LazyText(message, **values)
    made._context = context
    return made
