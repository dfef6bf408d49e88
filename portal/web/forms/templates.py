"""The functions that templates of forms call."""

from __future__ import annotations

from typing import Any

from portal.jsonstore import File
from portal.language import gettext as _

from ..display.values import list_words
from ..files import Files, Link
from .arrangement import When, names_in, text_of
from .choices import SelectField
from .stored import types_in_words


def helpers() -> dict[str, Any]:
    return {
        "answer_words": answer_words,
        "is_on_page": is_on_page,
        "stored_link": stored_link,
        "types_in_words": types_in_words,
    }


def answer_words(field: Any, when: When) -> str:
    """The answers on which something depends, as the form calls them."""
    labels = (
        {text_of(value): label for value, label in field.options} if isinstance(field, SelectField) else {}
    )
    words = {"true": _("Yes"), "false": _("No"), "": _("empty")} | labels
    return list_words(str(words.get(text, text)) for text in when.texts)


def is_on_page(form: Any, field: Any) -> bool:
    """Whether an input is on the page of the form that is shown."""
    pages = getattr(form, "_pages", ())
    return (
        not pages
        or field.short_name not in getattr(form, "_names", ())
        or field.short_name in set(names_in(pages[form._page].items))
    )


def stored_link(file: File) -> Link:
    return Files(None).stored(file)
