"""Pages, mails and numbers in the person's language."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from babel.messages.pofile import read_po
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from portal import language
from portal.models import db
from portal.web.display import durations, numbers
from portal.web.languages import script_words

ROOT = Path(__file__).parents[2]
GERMAN = language.FOLDER / "de" / "LC_MESSAGES" / "portal.po"
LANGUAGES = ("en", "de", "fr", "de_CH", "sv")


def set_language(user: Any, code: str | None) -> None:
    user.language = code
    db.session.commit()


def test_a_page_speaks_what_the_person_has_chosen(
    client_of: Callable[[str], FlaskClient], people: Any
) -> None:
    client = client_of("bob")
    set_language(people["bob"], "de")
    text = client.get("/inbox").text
    assert '<html lang="de"' in text
    assert "Nichts zu tun" in text
    assert "Nothing to do" not in text


def test_the_browser_is_asked_where_nobody_has_chosen(app: Any, people: Any) -> None:
    client = app.test_client()
    assert '<html lang="de-AT"' in client.get("/login", headers={"Accept-Language": "de-AT,en;q=0.5"}).text
    assert '<html lang="en"' in client.get("/login", headers={"Accept-Language": "xx,en;q=0.5"}).text
    client.set_cookie("portal_language", "de")
    assert '<html lang="de"' in client.get("/login", headers={"Accept-Language": "en"}).text


def test_an_unknown_language_is_english(client_of: Callable[[str], FlaskClient], people: Any) -> None:
    client = client_of("bob")
    set_language(people["bob"], "klingon")
    assert '<html lang="en"' in client.get("/inbox").text


def test_the_next_request_is_in_its_own_language(
    client_of: Callable[[str], FlaskClient], people: Any
) -> None:
    set_language(people["bob"], "de")
    assert "Eingang" in client_of("bob").get("/inbox").text
    assert "Eingang" not in client_of("carol").get("/inbox").text
    assert language.locale().language == "en"


def test_no_translation_is_fuzzy_and_its_places_are_those_of_the_message() -> None:
    catalogue = read_po(BytesIO(GERMAN.read_bytes()), locale="de")
    assert not [message.id for message in catalogue if message.id and message.fuzzy]
    faults = [(message.id, list(message.check(catalogue))) for message in catalogue if message.id]
    assert not [fault for fault in faults if fault[1]]


@pytest.fixture
def translations(tmp_path: Path) -> Iterator[None]:
    """A site's folder: Dutch, of which we have no catalogue, and a word and a flow's title in German."""
    for code, word in (("nl", "Postvak"), ("de", "Posteingang")):
        folder = tmp_path / code / "LC_MESSAGES"
        folder.mkdir(parents=True)
        folder.joinpath("site.po").write_text(
            'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
            f'msgid "Inbox"\nmsgstr "{word}"\n\nmsgid "Paper review"\nmsgstr "{word} en papier"\n\n'
            f'msgid "Submit"\nmsgstr "{word} insturen"\n',
            "utf-8",
        )
    kept = list(language._folders)
    try:
        language.add_folder(tmp_path)
        yield
    finally:
        language._folders[:] = kept
        for cached in (language.languages, language.known, language._catalogue):
            cached.cache_clear()


def test_a_site_brings_a_language_and_changes_a_word(translations: None) -> None:
    assert language.languages() == ("en", "de", "nl")
    with language.use("nl"):
        assert language.gettext("Inbox") == "Postvak"
    with language.use("de"):
        assert language.gettext("Inbox") == "Posteingang"
        assert language.gettext("Queue") == "Warteschlange"


def test_a_language_of_the_site_is_offered_and_spoken_by_pages_and_flows(
    client_of: Callable[[str], FlaskClient], people: Any, translations: None
) -> None:
    client = client_of("alice")
    assert '<option value="nl">Nederlands' in client.get("/profile").text
    set_language(people["alice"], "nl")
    text = client.get("/flows").text
    assert '<html lang="nl"' in text
    assert "Postvak en papier" in text
    assert "Paper review" not in text
    assert "Postvak en papier" not in client_of("carol").get("/flows/paper").text


def test_who_chooses_a_language_is_answered_in_it(client_of: Callable[[str], FlaskClient]) -> None:
    client = client_of("alice")
    page = client.post(
        "/profile",
        data={"full_name": "", "email": "", "digest": "now", "theme": "system", "after": "list", "language": "de",
              "timezone": ""},
        follow_redirects=True,
    )  # fmt: skip
    assert "Gespeichert." in page.text


def test_a_length_of_time_is_written_and_read_in_the_language() -> None:
    span = dt.timedelta(days=2, hours=3)
    for code, words in (("en", "2 days 3:00"), ("de", "2 Tage 3:00"), ("fr", "2 jours 3:00")):
        token = language.begin(Locale.parse(code))
        try:
            assert durations.format_duration(span) == words
            assert durations.parse_duration(words) == span
            assert durations.parse_duration("2 days 3:00") == span
        finally:
            language.end(token)
    with language.use("de"):
        assert durations.parse_duration("1 Std. 30 Minuten") == dt.timedelta(hours=1, minutes=30)
        with pytest.raises(ValueError, match="keine Dauer"):
            durations.parse_duration("2 Ellen")


@pytest.mark.parametrize(
    ("code", "typed", "read"),
    [
        ("en", "1,234", "1234"), ("en", "1.234", "1.234"), ("en", "12,50", "12.50"), ("en", "1,234.50", "1234.50"),
        ("de", "1.234", "1234"), ("de", "1,234", "1.234"), ("de", "1.234,50", "1234.50"), ("de", "12.5", "12.5"),
        ("de", "−1 234,5", "-1234.5"), ("de", "1'234'567", "1234567"),
    ],
)  # fmt: skip
def test_what_is_typed_is_read_as_the_language_has_it(code: str, typed: str, read: str) -> None:
    with language.use(code):
        assert numbers.read(typed) == read


@pytest.mark.parametrize("typed", ["0.123", "1234.567", "1.23.4", "12.34.567", "1,2,3", "1..2", "a", "", "١"])
def test_what_can_be_read_in_two_ways_is_asked_back(typed: str) -> None:
    with language.use("de"), pytest.raises(ValueError):
        numbers.read(typed)


@given(
    st.sampled_from(LANGUAGES), st.decimals(allow_nan=False, allow_infinity=False, places=4), st.booleans()
)
def test_a_written_number_is_read_as_itself(code: str, value: Decimal, grouped: bool) -> None:
    token = language.begin(Locale.parse(code))
    try:
        assert Decimal(numbers.read(numbers.write(value, grouped=grouped))) == value
    finally:
        language.end(token)


def test_what_scripts_say_comes_with_the_page_in_its_language(
    client_of: Callable[[str], FlaskClient], people: Any
) -> None:
    folder = ROOT / "static" / "portal"
    scripts = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.js")))
    said = set(re.findall(r'\bsaid\("([^"]+)"', scripts))
    said |= set(re.findall(r'\["[^"]+", "([^"]+)"\]', (folder / "keys.js").read_text("utf-8"))) - {"SELECT"}
    assert len(said) > 15
    assert not re.findall(
        r'\btell\((?:part, )?"\w|textContent = "\w', scripts
    )  # in words that nobody translates
    with language.use("de"):
        assert said <= script_words().keys()
    client = client_of("bob")
    assert "data-said" not in client.get("/inbox").text
    set_language(people["bob"], "de")
    assert "%(number)s ausgew" in client.get("/inbox").text


def test_a_file_of_a_list_is_in_the_language_of_who_takes_it(
    client_of: Callable[[str], FlaskClient], people: Any, submit: Callable[..., int], take: Callable[..., int]
) -> None:
    take(submit("On bees"))
    set_language(people["carol"], "de")
    text = client_of("carol").get("/tasks?format=csv").text
    assert "Zugewiesen an" in text.splitlines()[0]
    assert ",Zugewiesen," in text
    assert "Paper review" in text
