"""Compares user names: one rule for signing in, adding people and naming them."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

#: characters, of a name as of its key
LONGEST = 150
#: so many characters of a text are looked at: whoever signs in sends as many as they like
_READ = 1000


def clean(name: str) -> str:
    """A name as it is stored: without spaces around it, composed (NFC)."""
    return unicodedata.normalize("NFC", " ".join(name.split()))


def key(name: str) -> str:
    """What is the same for names that are one: in any letters' case, composed or not, and for those that look alike.

    This is the skeleton of Unicode's technical standard 39, but that characters of ASCII stay what they are: names with
    digits are customary, and `anna1` beside `annal` is no forgery. A character of another script that looks like one
    of ASCII, small or capital, counts as that one.
    """
    folded = clean(name[:_READ])
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded)
        folded = "".join(_looks_like(character) for character in folded if character.isprintable())
        folded = unicodedata.normalize("NFC", folded)
    return "".join(character for character in folded.casefold() if character.isprintable())


def fault(name: str) -> str | None:
    """Why somebody cannot be called so. None if they can."""
    if not key(name):
        return "a user needs a name"
    if not clean(name).isprintable():
        return f"the user name {name!r} has a character that cannot be seen"
    if len(clean(name)) > LONGEST or len(key(name)) > LONGEST:
        return f"the user name {name[:20]!r}… is longer than {LONGEST} characters"
    return None


@lru_cache(maxsize=4096)
def _looks_like(character: str) -> str:
    if character.isascii():
        return character
    # Read when it is needed: most names are of ASCII, and the table takes a while.
    from confusable_homoglyphs.confusables import confusables_data

    for shape in (character, character.upper()):
        for other in confusables_data.get(shape, ()):
            if other["c"].isascii():
                return str(other["c"])
    return character
