"""Every visible word is in the German catalogue, and no page says an English one to a German."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from portal import language
from portal.models import db

ROOT = Path(__file__).parents[2]
#: as the session `catalogues` of noxfile.py names them
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
}
PLACES = re.compile(r"%\(\w+\)s|\{\w*\}")
#: attributes that people read or hear
READ = ("title", "aria-label", "placeholder", "alt")
PAGES = {
    "bob": ("/inbox", "/queue", "/archive", "/flows", "/profile", "/notices", "/profile/absences",
            "/profile/calendar", "/profile/tokens", "/requests", "/nowhere"),
    "carol": ("/processes", "/tasks", "/reports", "/reports/paper", "/workload", "/flows/paper"),
    "erin": ("/profile/two-factors", "/password", *(f"/admin/{page}" for page in (
        "", "people", "people/bob", "people/bob/edit", "people/bob/deactivate", "people/bob/erase", "add-person",
        "import-people", "roles", "add-role", "matrix", "audit", "retention", "tokens", "jobs", "incidents",
        "operations"))),
}  # fmt: skip


def catalogue() -> Catalog:
    path = language.FOLDER / "de" / "LC_MESSAGES" / "portal.po"
    return read_po(BytesIO(path.read_bytes()), locale="de")


def extracted() -> Catalog:
    """The messages that the sources have now, as `nox -s catalogues` reads them."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = Catalog()
    for folder in ("portal", "templates"):
        rows = extract_from_dir(
            ROOT / folder,
            [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in methods],
            {pattern.removeprefix(f"{folder}/"): chosen for pattern, chosen in options.items()},
            KEYWORDS,
        )
        for _path, _line, message, _comments, context in rows:
            found.add(message, context=context)
    return found


def texts(said: Any) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


@pytest.mark.slow
def test_no_word_of_pages_and_code_is_missing_in_german() -> None:
    german = catalogue()
    sources = [message for message in extracted() if message.id]
    assert len(sources) > 1500
    missing = [message.id for message in sources if german.get(message.id, message.context) is None]
    assert not missing, "run `nox -s catalogues`, then translate what is new"


@pytest.mark.slow
def test_no_word_of_code_stands_where_the_catalogues_do_not_see_it() -> None:
    """Within the braces of an f-string, for one."""
    seen = {text for message in extracted() for text in texts(message.id)}
    hidden = [
        (path.name, call.args[0].value)
        for path in sorted((ROOT / "portal").rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args
        and call.func.id in ("_", "gettext", "lazy_gettext", "ngettext")
        and isinstance(call.args[0], ast.Constant) and call.args[0].value not in seen
    ]  # fmt: skip
    assert not hidden
    unused = [text for message in catalogue() for text in texts(message.id) if text and text not in seen]
    assert not unused, "run `nox -s catalogues`"


def test_every_message_is_translated_with_its_own_places() -> None:
    for message in catalogue():
        if not message.id:
            continue
        said = texts(message.string)
        assert all(said), message.id
        assert not message.fuzzy, message.id
        for source, words in zip(texts(message.id), said, strict=True):
            assert sorted(PLACES.findall(source)) == sorted(PLACES.findall(words)), source


class _Words(HTMLParser):
    """The texts of a page that people read."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._quiet = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._quiet += tag in ("script", "style", "code", "pre")
        self.found |= {value.strip() for name, value in attrs if name in READ and value}

    def handle_endtag(self, tag: str) -> None:
        self._quiet -= tag in ("script", "style", "code", "pre")

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self.found.add(" ".join(data.split()))


def english() -> tuple[set[str], list[re.Pattern[str]]]:
    """The English messages that German says in other words: those without values, and patterns of the others."""
    german = catalogue()
    same = {word for message in german for word in texts(message.string)}
    plain, patterns = set(), []
    for message in german:
        for source in texts(message.id) if message.id else ():
            if source in same or not re.search(r"[A-Za-z]{3}", PLACES.sub("", source)):
                continue
            if not PLACES.search(source):
                plain.add(source.strip())
                continue
            parts = re.split(f"({PLACES.pattern})", source.strip())
            numbers = (r"[\d,.]+" if part == "%(number)s" else ".+" for part in parts[1::2])
            ends = [re.escape(part) for part in parts[::2]]
            patterns.append(re.compile("".join(map("".join, zip(ends, [*numbers, ""], strict=True)))))
    return plain, patterns


@pytest.mark.slow
def test_main_pages_say_no_english_word_to_a_german(
    client_of: Callable[[str], FlaskClient],
    people: dict[str, Any],
    submit: Callable[..., int],
    open_task: Callable[..., Any],
    take: Callable[..., int],
) -> None:
    mine, free = take(submit("Über Bienen")), submit("Über Ameisen")
    process = f"/processes/{free}"
    pages = {
        "bob": (f"/tasks/{mine}", f"/tasks/{mine}/execute"),
        "carol": (process, f"/tasks/{open_task(free).id}", f"{process}/send", f"{process}/data",
                  f"/tasks/{mine}/reassign", f"/tasks/{mine}/cancel", f"/tasks/{mine}/skip", f"/tasks/{mine}/due"),
        "alice": ("/flows/paper/start/start", "/requests"),
    }  # fmt: skip
    for person in people.values():
        person.language = "de"
    db.session.commit()
    words: dict[str, str] = {}
    for name in people:
        client = client_of(name)
        for address in (*PAGES.get(name, ()), *pages.get(name, ())):
            parser = _Words()
            answer = client.get(address)
            assert answer.status_code == (404 if address == "/nowhere" else 200), address
            parser.feed(answer.text)
            words |= dict.fromkeys(parser.found, address)
    own = {
        "End",
        "Paper review",
        "Submit",
        "Review",
        "Sign",
        "Title",
        "Accepted",
        "Pages",
        "Check",
    }  # the flow's
    plain, patterns = english()
    said = {
        text: address
        for text, address in words.items()
        if text not in own and (text in plain or any(pattern.fullmatch(text) for pattern in patterns))
    }
    assert not said, said
