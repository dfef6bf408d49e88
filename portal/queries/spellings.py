"""Case-insensitive search in text columns, on every database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_


def contains(column: Any, word: str) -> Any:
    """Whether a text has this word in it. No database of every locale folds the case of all letters, so the usual
    spellings are asked for each."""
    return or_(*(column.icontains(each, autoescape=True) for each in spellings(word)))


def spellings(word: str) -> list[str]:
    """The usual ways to write a word."""
    return sorted({word, word.lower(), word.upper(), word.capitalize(), word.title()})
