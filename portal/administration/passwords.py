"""Checks a password that somebody chooses: long enough, and not easily guessed. It demands no kinds of letters."""

from __future__ import annotations

from collections.abc import Iterable

from portal.language import gettext as _
from portal.models import User

#: characters; longer ones only cost time to hash
LONGEST = 200
#: so many characters of one are compared with what is common: it takes longer than linear time
_COMPARED = 60
#: of 4: 0 and 1 are common ones, names of the person, rows of keys, and these with a few digits more
_WEAKEST = 2


def fault(password: str, length: int, words: Iterable[str] = ()) -> str | None:
    """Why somebody cannot choose this. None if they can.

    Args:
        length: how many characters it has to have.
        words: what others know of the person, which is guessed first.
    """
    if len(password) < length:
        return _("At least %(number)s characters.", number=length)
    if len(password) > LONGEST:
        return _("At most %(number)s characters.", number=LONGEST)
    if _is_common(password, words):
        return _(
            "This password is among the first that somebody would try. Several words are harder to guess."
        )
    return None


def words_of(person: User) -> list[str]:
    """What others know of a person."""
    mail = person.email or ""
    return [each for each in (person.username, person.full_name, mail, mail.partition("@")[0]) if each]


def _is_common(password: str, words: Iterable[str]) -> bool:
    from zxcvbn import zxcvbn  # its lists of words are large, and rarely needed

    parts = [part for word in words for part in (word, *word.split())]
    found: int = zxcvbn(password[:_COMPARED], user_inputs=parts)["score"]
    return found < _WEAKEST
