"""Bootstrap's icons, drawn into the page once each: no request, no font, and they take the colour of their word."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from flask import g
from markupsafe import Markup

_SYMBOL = re.compile(r'<symbol[^>]*\bid="([\w-]+)"[^>]*>(.*?)</symbol>', re.DOTALL)


@cache
def _drawings() -> dict[str, str]:
    sprite = files("flask_bootstrap").joinpath("static/bootstrap5/icons/bootstrap-icons.svg")
    return dict(_SYMBOL.findall(sprite.read_text("utf-8")))


def icon(name: str) -> Markup:
    """An icon that stands beside a word and says nothing by itself; drawn at the end of the page."""
    drawn: dict[str, None] = g.setdefault("icons", {})
    drawn[name] = None
    return _reference(name)


def icon_drawings() -> Markup:
    """The drawings of the icons that this page has, to which they refer."""
    drawn = Markup("").join(_drawing(name) for name in g.get("icons", ()))
    return Markup('<svg class="d-none" aria-hidden="true">{}</svg>').format(drawn)


@cache
def _reference(name: str) -> Markup:
    return Markup('<svg class="icon" aria-hidden="true"><use href="#icon-{}"/></svg>').format(name)


@cache
def _drawing(name: str) -> Markup:
    return Markup('<symbol id="icon-{}" viewBox="0 0 16 16">{}</symbol>').format(
        name, Markup(_drawings()[name])
    )
