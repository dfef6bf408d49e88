"""Makes mail: a subject of one line, and text and HTML from templates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.dates import format_datetime
from flask import current_app
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from portal import folders
from portal.engine.wishes import zone_of
from portal.language import gettext, locale, ngettext, pgettext
from portal.models import User

#: a subject is one line that a list of mails can show
LONGEST_SUBJECT = 150


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it leaves, but for its address."""

    user: User
    subject: str
    text: str
    html: str
    #: where it goes, if not to the person's address
    to: str | None = None


def written(template: str, user: User, subject: str, facts: dict[str, Any], to: str | None = None) -> Mail:
    """A mail from the templates of this name: those in the application's own folder come before ours."""
    templates = _templates(Path(current_app.root_path) / str(current_app.template_folder))
    text, html = (
        templates.get_template(f"portal/mail/{template}.{kind}").render(facts) for kind in ("txt", "html")
    )
    return Mail(user, one_line(subject), text, html, to)


@lru_cache(maxsize=4)
def _templates(own: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([own, folders.TEMPLATES]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        {"_": gettext, "ngettext": ngettext, "page_language": lambda: str(locale()).replace("_", "-")}
    )
    return environment


def moment(value: dt.datetime, user: User) -> str:
    local = value.astimezone(zone_of(user))
    words = format_datetime(local, pgettext("date", "EEE dd MMM y, HH:mm"), locale=locale())
    return f"{words} {local:%Z}"


def one_line(text: str) -> str:
    """No line break, and no other control character: a header is one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1] + "…"
