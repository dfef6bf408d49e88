"""Bootstrap's icons, drawn into the page: no request, no font, and they take the colour of their word."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from markupsafe import Markup

_SYMBOL = re.compile(r'<symbol[^>]*\bid="([\w-]+)"[^>]*>(.*?)</symbol>', re.DOTALL)


@cache
def _drawings() -> dict[str, str]:
    sprite = files("flask_bootstrap").joinpath("static/bootstrap5/icons/bootstrap-icons.svg")
    return dict(_SYMBOL.findall(sprite.read_text("utf-8")))


@cache
def icon(name: str) -> Markup:
    """An icon that stands beside a word and says nothing by itself."""
    return Markup(
        '<svg class="icon" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true" focusable="false">'
        "{}</svg>"
    ).format(Markup(_drawings()[name]))
