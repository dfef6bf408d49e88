"""What the documents say is run and compared with the code."""

import functools
import importlib.util
import pkgutil
import re
import sys
import types
from pathlib import Path

import pytest

from portal import flow, jsonstore

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: a block that is a file of its own says so in its first line
FILE = re.compile(r"# ((?:flows|tests)/\w+\.py)\n")
#: one that is run as a program is tried where there is a site: tests/test_packages.py
PROGRAM = re.compile(r"# \w+\.py\n")


def blocks(document):
    """The Python of a document, each block on the lines where it stands."""
    text = document.read_text("utf-8")
    for found in BLOCK.finditer(text):
        yield found[1], "\n" * text.count("\n", 0, found.start(1)) + found[1]


def samples():
    for document in DOCUMENTS:
        for source, _ in blocks(document):
            for name in re.findall(r"^def (test_\w+)", source, re.MULTILINE):
                yield pytest.param(document, name, id=f"{document.stem}-{name}")


@functools.cache
def namespace(document):
    """The names of a document's samples: its blocks are run from the top down, as they are read."""
    module = _module(f"samples_{document.stem.lower()}")
    for source, placed in blocks(document):
        if PROGRAM.match(source):
            continue
        file = FILE.match(source)
        into = _module(file[1].removesuffix(".py").replace("/", ".")) if file else module
        exec(compile(placed, document, "exec"), vars(into))
        vars(module).update({name: value for name, value in vars(into).items() if name.startswith("test_")})
    return vars(module)


def _module(name):
    return sys.modules.setdefault(name, types.ModuleType(name))


@pytest.mark.parametrize(("document", "name"), list(samples()))
def test_sample(document, name, flow_tester):
    test = namespace(document)[name]
    wanted = test.__code__.co_varnames[: test.__code__.co_argcount]
    test(**{"flow_tester": flow_tester} if "flow_tester" in wanted else {})


@pytest.mark.parametrize(
    "document", [each for each in DOCUMENTS if any(blocks(each))], ids=lambda each: each.stem
)
def test_samples_without_a_test_can_be_read_too(document, app):
    assert namespace(document)


def test_the_reference_shows_its_flows_as_they_are(app):
    """Where this fails: `python docs/pictures.py`."""
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    pictures = sys.modules["pictures"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    made = pictures.pictures_of(namespace(pictures.REFERENCE))
    text = pictures.REFERENCE.read_text("utf-8")
    assert pictures.with_pictures(text) == text
    assert {path: path.read_text("utf-8") for path in pictures.SAMPLES.glob("*.svg")} == made


def headings(document):
    return re.findall(r"^#+ (.+)$", (ROOT / document).read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    "word",
    [
        name
        for name in flow.__all__
        if isinstance(value := getattr(flow, name), type)
        and issubclass(value, flow.Node)
        and value is not flow.Node
    ],
)
def test_every_word_of_the_language_has_a_heading(word):
    assert word in headings("docs/flows.md")


def test_every_heading_of_a_word_is_in_the_language():
    words = [heading for heading in headings("docs/flows.md") if re.fullmatch(r"[A-Z]\w+[A-Z]\w+", heading)]
    assert [word for word in words if not hasattr(flow, word) and not hasattr(flow.View, word)] == []


@pytest.mark.parametrize("field", [name for name in jsonstore.__all__ if name.endswith("Field")])
def test_every_field_is_described(field):
    assert field in (ROOT / "docs/data.md").read_text("utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", document.read_text("utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_what_is_named_by_its_module_is_there(document):
    """A program may ask for it, whether anything of ours does or not. Endpoints and loggers are named alike."""
    names = sorted(set(re.findall(r"\bportal(?:\.\w+)+", document.read_text("utf-8"))))
    ours = [name for name in names if _is_there(".".join(name.split(".")[:2]))]
    assert [name for name in ours if not _is_there(name)] == []


def _is_there(name):
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True
