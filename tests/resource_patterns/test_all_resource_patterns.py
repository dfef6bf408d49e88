"""All 43 patterns have a test, and the documents and their pictures are as the tests are."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("resource_pages", ROOT / "docs" / "resource_pages.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["resource_pages"] = module
    spec.loader.exec_module(module)
    return module


def test_43_of_43_say_what_they_are(pages):
    found = pages.patterns()
    assert [each.number for each in found] == list(pages.NAMES) == list(range(1, 44))
    assert [each.title for each in found if not each.sentence or not each.here] == []
    names = {each.number: each.path.read_text("utf-8") for each in found}
    for number, name in pages.NAMES.items():
        words = "_".join(name.lower().replace(" - ", " ").replace("-", " ").split())
        assert f"def test_r{number:02}_{words}(" in names[number]


def test_the_documents_and_the_pictures_are_up_to_date(pages):
    wanted = pages.files()
    folders = {path.parent for path in wanted if path.suffix == ".svg"}
    kept = {path for folder in folders for path in folder.glob("*.svg")} | {pages.DOCUMENT}
    stale = [path.name for path in wanted if path not in kept or path.read_text("utf-8") != wanted[path]]
    stale += [path.name for path in kept - wanted.keys()]
    assert stale == [], "run: python docs/resource_pages.py"
