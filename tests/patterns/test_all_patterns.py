"""All 43 patterns are run, and the document and its pictures are as the code is."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
#: numbers of patterns that the language cannot say yet
MISSING: frozenset[int] = frozenset()


@pytest.fixture(scope="module")
def pictures():
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["pictures"] = module
    spec.loader.exec_module(module)
    return module


def test_43_of_43(pictures):
    numbers = [pattern.number for pattern in pictures.patterns()]
    assert len(pictures.NAMES) == 43
    assert numbers == [number for number in pictures.NAMES if number not in MISSING]


def test_each_pattern_has_a_flow_of_its_own(pictures):
    found = pictures.patterns()
    assert len({pattern.flow_class for pattern in found}) == len(found)
    assert all(pattern.flow_class.definition.description for pattern in found)


def test_each_pattern_has_a_file_and_a_test_of_its_number_and_name(pictures):
    for pattern in pictures.patterns():
        assert f"\ndef {pattern.path.stem}(flow_tester):" in pattern.source
        said = pattern.path.read_text("utf-8").split("\n")[0]
        assert said == f'"""Pattern {pattern.number}: {pattern.name}."""'


def test_the_document_and_the_pictures_are_up_to_date(pictures):
    wanted = pictures.files()
    kept = {*pictures.PICTURES.glob("*.svg"), pictures.DOCUMENT}
    stale = [
        path.name for path, text in wanted.items() if path not in kept or path.read_text("utf-8") != text
    ]
    stale += [path.name for path in kept - wanted.keys()]
    assert stale == [], "run: python docs/pictures.py"
