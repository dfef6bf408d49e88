"""Write docs/patterns.md and its pictures from the tests of the patterns, and a picture of each flow of docs/flows.md:
`python docs/pictures.py`.

`files()` and `pictures_of()` are what they should be; tests compare.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "tests" / "patterns"
sys.path.append(str(SOURCES))
DOCUMENT = ROOT / "docs" / "patterns.md"
PICTURES = ROOT / "docs" / "images" / "patterns"
#: the reference of the language, and the pictures of its samples
REFERENCE = ROOT / "docs" / "flows.md"
SAMPLES = ROOT / "docs" / "images" / "flows"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: by number, as Russell, ter Hofstede, van der Aalst and Mulyar call them (2006)
NAMES = dict(
    enumerate(
        """Sequence
Parallel Split
Synchronization
Exclusive Choice
Simple Merge
Multi-Choice
Structured Synchronizing Merge
Multi-Merge
Structured Discriminator
Arbitrary Cycles
Implicit Termination
Multiple Instances without Synchronization
Multiple Instances with a Priori Design-Time Knowledge
Multiple Instances with a Priori Run-Time Knowledge
Multiple Instances without a Priori Run-Time Knowledge
Deferred Choice
Interleaved Parallel Routing
Milestone
Cancel Task
Cancel Case
Structured Loop
Recursion
Transient Trigger
Persistent Trigger
Cancel Region
Cancel Multiple Instance Task
Complete Multiple Instance Task
Blocking Discriminator
Cancelling Discriminator
Structured Partial Join
Blocking Partial Join
Cancelling Partial Join
Generalised AND-Join
Static Partial Join for Multiple Instances
Cancelling Partial Join for Multiple Instances
Dynamic Partial Join for Multiple Instances
Acyclic Synchronizing Merge
General Synchronizing Merge
Critical Section
Interleaved Routing
Thread Merge
Thread Split
Explicit Termination""".splitlines(),
        1,
    )
)

INTRODUCTION = """# The control-flow patterns

Van der Aalst, ter Hofstede, Kiepuszewski and Barros collected what processes are made of; Russell, ter Hofstede,
van der Aalst and Mulyar brought the collection to {count} patterns. Each is here as one small flow, drawn, and run to
its end by the test beside it. This page is made from the tests in `tests/patterns/` by `docs/pictures.py`. The words
are explained in [flows.md](flows.md).
"""


@dataclass(frozen=True)
class Pattern:
    """One pattern: its file, and the flow in it that shows it, the last one."""

    path: Path
    flow_class: Any

    @property
    def number(self) -> int:
        return int(self.path.stem.split("_")[1])

    @property
    def name(self) -> str:
        return NAMES[self.number]

    @property
    def picture(self) -> str:
        return f"{self.path.stem.removeprefix('test_')}.svg"

    @property
    def source(self) -> str:
        """The file below its docstring."""
        return self.path.read_text("utf-8").split("\n", 1)[1].strip()


def patterns() -> list[Pattern]:
    """What the tests show, by number."""
    return [Pattern(path, _last_flow(path)) for path in sorted(SOURCES.glob("test_[0-9][0-9]_*.py"))]


def _last_flow(path: Path) -> Any:
    module = importlib.import_module(path.stem)
    names = [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)]
    return getattr(module, names[-1])


def files() -> dict[Path, str]:
    """Every file with the text that it should have."""
    from portal.render import svg

    found = patterns()
    made = {
        PICTURES / pattern.picture: svg(pattern.flow_class, title_id="flow", standalone=True) + "\n"
        for pattern in found
    }
    contents = "\n".join(f"{each.number}. [{each.name}](#{_anchor(each)})" for each in found)
    sections = [INTRODUCTION.format(count=len(NAMES)), contents + "\n", *(_section(each) for each in found)]
    return made | {DOCUMENT: "\n".join(sections)}


def _anchor(pattern: Pattern) -> str:
    return f"{pattern.number}-{pattern.name}".lower().replace(" ", "-")


def _section(pattern: Pattern) -> str:
    return f"""## {pattern.number} {pattern.name}

{pattern.flow_class.definition.description}

![The flow that shows the pattern {pattern.name}](images/patterns/{pattern.picture})

```py
{pattern.source}
```
"""


def pictures_of(samples: dict[str, Any]) -> dict[Path, str]:
    """The pictures of the flows that the reference declares.

    Args:
        samples: its names, once its blocks have been run.
    """
    from portal.render import svg

    made = {}
    for name in re.findall(r"^class (\w+Flow)\(", REFERENCE.read_text("utf-8"), re.MULTILINE):
        flow_class = samples[name]
        text = svg(flow_class, title_id=f"flow-{flow_class.definition.label}", standalone=True)
        made[SAMPLES / f"{flow_class.definition.label}.svg"] = text + "\n"
    return made


def with_pictures(text: str) -> str:
    """The reference with a picture behind each block that declares flows."""
    from portal.flow.definition import label_of

    text = re.sub(r"\n(?:\n!\[[^\]\n]*\]\(images/flows/[^)\n]*\))+", "", text)

    def shown(block: re.Match[str]) -> str:
        names = re.findall(r"^class (\w+Flow)\(", block[1], re.MULTILINE)
        lines = [f"\n![The flow {name}](images/flows/{label_of(name)}.svg)" for name in names]
        return block[0] + "\n" * bool(lines) + "".join(lines)

    return BLOCK.sub(shown, text)


def write_samples() -> None:
    """Write the pictures of the reference, and its lines that show them."""
    SAMPLES.mkdir(parents=True, exist_ok=True)
    samples: dict[str, Any] = {"__name__": "samples_flows"}
    for block in BLOCK.finditer(REFERENCE.read_text("utf-8")):
        exec(compile(block[1], str(REFERENCE), "exec"), samples)
    made = pictures_of(samples)
    for path in set(SAMPLES.glob("*.svg")) - made.keys():
        path.unlink()
    for path, text in made.items():
        path.write_text(text, "utf-8")
    REFERENCE.write_text(with_pictures(REFERENCE.read_text("utf-8")), "utf-8")


def write() -> None:
    """Write every file, and remove pictures that nobody shows any more."""
    write_samples()
    PICTURES.mkdir(parents=True, exist_ok=True)
    made = files()
    for path in set(PICTURES.glob("*.svg")) - made.keys():
        path.unlink()
    for path, text in made.items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    write()
