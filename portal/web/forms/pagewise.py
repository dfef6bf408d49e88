"""Forms of several pages: each one is checked before the next, and all of them are one form that is sent once.

Every page is in the document, and those that are not shown are hidden: what was typed on them travels along, back and
forth, and into the draft.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .arrangement import Page, names_in

#: the input that says which page was shown, and the button that asks for another one
SHOWN, TO = "_page", "_to"


def begin(form: Any, pages: Sequence[Page], formdata: Any) -> None:
    """Say which page the form shows: that which it came from, the first one at first."""
    form._pages = pages
    form._page = _number(formdata.get(SHOWN) if formdata is not None else None, pages)


def turn(form: Any, pages: Sequence[Page], wanted: str) -> bool:
    """Go to another page: to a later one only if all before it are in order; else the first that is not is shown.

    Returns:
        Whether the wanted page is shown.
    """
    number = _number(wanted, pages)
    if number > form._page:
        before = {name for page in pages[:number] for name in names_in(page.items)}
        if not _is_valid(form, before):
            show_first_fault(form, pages)
            return False
    form._page = number
    return True


def show_first_fault(form: Any, pages: Sequence[Page]) -> None:
    """Show the first page with an error; an error of the whole form is shown where it was sent."""
    for number, page in enumerate(pages):
        if any(form._fields[name].errors for name in names_in(page.items) if name in form._fields):
            form._page = number
            return


def _is_valid(form: Any, names: set[str]) -> bool:
    """Judge some inputs alone."""
    every = form._fields
    form._fields = {name: field for name, field in every.items() if name in names or name == "csrf_token"}
    try:
        return bool(form.validate())
    finally:
        form._fields = every


def _number(text: Any, pages: Sequence[Page]) -> int:
    number = int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 4 else 0
    return min(number, max(len(pages) - 1, 0))
