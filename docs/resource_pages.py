"""Write docs/resource-patterns.md from the tests of the resource patterns, and the pictures of docs/assignment.md:
`python docs/resource_pages.py`.

`files()` is what they should be; a test compares.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "tests" / "resource_patterns"
sys.path.append(str(SOURCES))
DOCUMENT = ROOT / "docs" / "resource-patterns.md"
WORDS = ROOT / "docs" / "resource-patterns.txt"
ASSIGNMENT = ROOT / "docs" / "assignment.md"
IMAGES = ROOT / "docs" / "images"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TEST = re.compile(r"test_r(\d\d)_")

#: by number, as Russell, van der Aalst, ter Hofstede and Edmond call them (2005)
NAMES = dict(
    enumerate(
        """Direct Distribution
Role-Based Distribution
Deferred Distribution
Authorisation
Separation of Duties
Case Handling
Retain Familiar
Capability-Based Distribution
History-Based Distribution
Organisational Distribution
Automatic Execution
Distribution by Offer - Single Resource
Distribution by Offer - Multiple Resources
Distribution by Allocation - Single Resource
Random Allocation
Round Robin Allocation
Shortest Queue
Early Distribution
Distribution on Enablement
Late Distribution
Resource-Initiated Allocation
Resource-Initiated Execution - Allocated Work Item
Resource-Initiated Execution - Offered Work Item
System-Determined Work Queue Content
Resource-Determined Work Queue Content
Selection Autonomy
Delegation
Escalation
Deallocation
Stateful Reallocation
Stateless Reallocation
Suspension-Resumption
Skip
Redo
Pre-Do
Commencement on Creation
Commencement on Allocation
Piled Execution
Chained Execution
Configurable Unallocated Work Item Visibility
Configurable Allocated Work Item Visibility
Simultaneous Execution
Additional Resources""".splitlines(),
        1,
    )
)
#: where each class of patterns begins
CLASSES = {
    1: "Creation", 12: "Push", 21: "Pull", 27: "Detour", 36: "Auto-start", 40: "Visibility", 42: "Multiple resources",
}  # fmt: skip
#: what the portal gives a part of, and which part it is not
IN_PART = {
    4: "what somebody may do with a task is the same for all tasks of a flow; a right to skip one of them is none",
    33: "a manager's alone: who should do a task cannot leave it out by themselves",
    34: "a manager's alone",
    35: "a manager's alone, and one step at a time",
    36: "for the first task of a request, by the click that sends it; nobody's work begins without them",
}


@dataclass(frozen=True)
class Pattern:
    """One pattern: what its test says, and the source between the test before it and its end."""

    number: int
    path: Path
    sentence: str
    here: str
    source: str
    flow_class: Any

    @property
    def title(self) -> str:
        return f"{self.number} {NAMES[self.number]}"

    @property
    def picture(self) -> Path:
        return IMAGES / "resources" / f"r{self.number:02}.svg"


def patterns() -> list[Pattern]:
    """What the tests show, by number."""
    found = [each for path in SOURCES.glob("test_*_patterns.py") for each in _of_file(path)]
    return sorted(found, key=lambda each: each.number)


def _of_file(path: Path) -> list[Pattern]:
    text = path.read_text("utf-8")
    lines, module, found, begin, flow_class = (
        text.split("\n"),
        importlib.import_module(path.stem),
        [],
        None,
        None,
    )
    for node in ast.parse(text).body:
        if isinstance(node, ast.Expr | ast.Import | ast.ImportFrom):
            continue
        begin = begin or min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        if isinstance(node, ast.ClassDef) and node.name.endswith("Flow"):
            flow_class = getattr(module, node.name)
        if isinstance(node, ast.FunctionDef) and (matched := _TEST.match(node.name)):
            sentence, _, here = (ast.get_docstring(node) or "").partition("\n\n")
            source = _without_docstring(lines, begin, node)
            found.append(Pattern(int(matched[1]), path, sentence, here, source, flow_class))
            begin = flow_class = None
    return found


def _without_docstring(lines: list[str], begin: int, node: ast.FunctionDef) -> str:
    said = node.body[0]
    kept = [*lines[begin - 1 : said.lineno - 1], *lines[said.end_lineno or 0 : node.end_lineno]]
    return "\n".join(kept).strip()


def _flows_of_assignment() -> list[Any]:
    """The flows of the samples in docs/assignment.md."""
    from portal.flow import Flow

    module = sys.modules.setdefault("samples_of_assignment", types.ModuleType("samples_of_assignment"))
    if not vars(module).get("made"):
        for source in _BLOCK.findall(ASSIGNMENT.read_text("utf-8")):
            exec(source, vars(module))
        vars(module)["made"] = True
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Flow)]
    return [each for each in classes if each.__module__ == module.__name__]


def files() -> dict[Path, str]:
    """Every file with the text that it should have."""
    from portal.render import svg

    def drawn(flow_class: Any) -> str:
        return svg(flow_class, title_id="flow", standalone=True) + "\n"

    found = patterns()
    made = {
        IMAGES / "assignment" / f"{each.definition.label}.svg": drawn(each) for each in _flows_of_assignment()
    }
    made |= {each.picture: drawn(each.flow_class) for each in found if each.flow_class is not None}
    introduction, _, rest = WORDS.read_text("utf-8").partition("\n----\n")
    sections = []
    for each in found:
        if each.number in CLASSES:
            sections.append(f"## {CLASSES[each.number]} patterns\n")
        sections.append(_section(each))
    text = "\n".join([introduction.strip() + "\n", _table(found), *sections, rest.strip() + "\n"])
    return made | {DOCUMENT: text}


def _table(found: list[Pattern]) -> str:
    rows = [
        f"| [{each.title}](#{_anchor(each.title)}) | {'in part' if each.number in IN_PART else 'works'} |"
        for each in found
    ]
    works = len(found) - len(IN_PART)
    said = f"Of the {len(NAMES)}, {works} work and {len(IN_PART)} do in part; none is missing.\n"
    return "\n".join([said, "| pattern | here |", "| --- | --- |", *rows, ""])


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _section(each: Pattern) -> str:
    picture = (
        f"\n![The flow that shows the pattern {NAMES[each.number]}]({each.picture.relative_to(ROOT / 'docs')})\n"
        if each.flow_class is not None
        else ""
    )
    missing = f"\n*Not here:* {IN_PART[each.number]}.\n" if each.number in IN_PART else ""
    return f"""### {each.title}

{each.sentence} {each.here}
{missing}{picture}
```py
# tests/resource_patterns/{each.path.name}
{each.source}
```
"""


def write() -> None:
    """Write every file, and remove pictures that nobody shows any more."""
    made = files()
    for folder in {path.parent for path in made if path.suffix == ".svg"}:
        folder.mkdir(parents=True, exist_ok=True)
        for path in set(folder.glob("*.svg")) - made.keys():
            path.unlink()
    for path, text in made.items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    write()
