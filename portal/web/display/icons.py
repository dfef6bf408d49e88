"""Bootstrap's icons: one file with those of our pages, which a browser keeps; they take the colour of their word."""

from __future__ import annotations

import hashlib
import re
from functools import cache, lru_cache
from importlib.resources import files

from flask import g, url_for
from markupsafe import Markup

#: the icons of our own pages; one that a page of an author's names beside them is drawn into that page
NAMES = """
    archive arrow-clockwise arrow-counterclockwise arrow-down arrow-down-short arrow-return-left arrow-up arrow-up-short
    bar-chart bell bell-slash box-arrow-in-right box-arrow-right calendar calendar-event chat check-circle check-lg
    check2-all check2-square chevron-bar-left chevron-right clock clock-history columns diagram-3 download envelope
    exclamation-circle exclamation-triangle files funnel gear hand-index-thumb hourglass-split house inbox info-circle
    journal-check key keyboard link list list-check list-task paperclip pause pause-circle pencil pencil-square people
    person person-gear person-lines-fill person-plus play-circle plus plus-circle search send shield-lock signpost-split
    skip-forward sliders sort-down sort-up stack table trash upload x-circle x-lg
""".split()
SHEET = "icons.svg"
_SYMBOL = re.compile(r'<symbol[^>]*\bid="([\w-]+)"[^>]*>(.*?)</symbol>', re.DOTALL)


def _drawings() -> dict[str, str]:
    """All two thousand of Bootstrap's. They take a megabyte, of which a site needs a few: nobody keeps them."""
    sprite = files("flask_bootstrap").joinpath("static/bootstrap5/icons/bootstrap-icons.svg")
    return dict(_SYMBOL.findall(sprite.read_text("utf-8")))


@cache
def sheet() -> bytes:
    """The file with our icons, as SVG."""
    drawings = _drawings()
    symbols = "".join(_symbol(drawings[name], name) for name in NAMES)
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'.encode()


@cache
def sheet_version() -> str:
    return hashlib.sha256(sheet()).hexdigest()[:10]


def icon(name: str) -> Markup:
    """An icon that stands beside a word and says nothing by itself."""
    if name in _OURS:
        if "icon_sheet" not in g:
            g.icon_sheet = url_for("portal.asset", version=sheet_version(), filename=SHEET)
        return _reference(g.icon_sheet, name)
    drawn: dict[str, None] = g.setdefault("icons", {})
    drawn[name] = None
    return _REFERENCE.format("", f"icon-{name}")


@lru_cache(maxsize=1024)
def _reference(sheet: str, name: str) -> Markup:
    return _REFERENCE.format(sheet, name)


def icon_drawings() -> Markup:
    """The drawings of the icons of this page that are not in the file."""
    drawn = Markup("").join(Markup(_symbol(_drawing(name), f"icon-{name}")) for name in g.get("icons", ()))
    return Markup('<svg class="d-none" aria-hidden="true">{}</svg>').format(drawn) if drawn else drawn


_OURS = frozenset(NAMES)
_REFERENCE = Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>')


@cache
def _drawing(name: str) -> str:
    return _drawings()[name]


def _symbol(drawing: str, key: str) -> str:
    return f'<symbol id="{key}" viewBox="0 0 16 16">{drawing}</symbol>'


def initials(name: str) -> str:
    """The first letters of the first and the last word of a name."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
