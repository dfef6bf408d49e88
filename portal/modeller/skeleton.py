"""Writes the Python of a flow with the graph of a diagram; what a diagram cannot say is a TODO."""

from __future__ import annotations

from collections.abc import Iterator

from .diagram import Diagram, Element
from .names import camel, class_name, node_names
from .nodes import Writer

_HEAD = '''"""{title}: made from a diagram. Each TODO is something that a diagram does not say."""

import datetime as dt

from portal import flow, this, views
from portal.models import Process
'''


def skeleton(diagrams: list[Diagram], tables: bool = True) -> str:
    """The Python of a module with a flow for each diagram, and one for each process that they call and do not have.

    It can be imported as it is, where the diagram is one that a flow can be and the tables that it names are there.

    Args:
        tables: write `DecisionTable` where a business rule names a decision; else a function that is a TODO.
    """
    classes = {diagram.id: class_name(diagram) for diagram in diagrams}
    called = [each.called for diagram in diagrams for each in diagram.elements.values() if _calls(each)]
    stubs = {
        name: f"{camel(name.removeprefix('process_')) or 'Called'}Flow"
        for name in called
        if name not in classes
    }
    parts = [_HEAD.format(title=_safe(diagrams[0].name or classes[diagrams[0].id]))]
    parts += [_stub(name, flow) for name, flow in dict.fromkeys((name, flow) for name, flow in stubs.items())]
    # what is called comes first
    ordered = sorted(diagrams, key=lambda diagram: any(_calls(each) for each in diagram.elements.values()))
    parts += ["\n".join(_flow(diagram, classes[diagram.id], classes | stubs, tables)) for diagram in ordered]
    text = "\n\n".join(parts)
    if "dt." not in text.removeprefix(parts[0]):
        text = text.replace("import datetime as dt\n\n", "", 1)
    return f"{text}\n"


def _calls(element: Element) -> bool:
    return element.kind in ("callActivity", "subProcess", "transaction", "adHocSubProcess")


def _stub(name: str, flow: str) -> str:
    return (
        f"class {flow}(flow.Flow):\n"
        f"    # TODO: the process {_safe(name or 'that is called')}\n"
        "    start = flow.StartHandle().Next(this.end)\n"
        "    end = flow.End()\n"
    )


def _flow(diagram: Diagram, flow: str, classes: dict[str, str], tables: bool) -> Iterator[str]:
    names, process = node_names(diagram), f"{flow.removesuffix('Flow')}Process"
    writer = Writer(diagram, names, classes, tables)
    yield f"class {process}(Process):"
    yield '    # TODO: the data, such as amount = jsonstore.DecimalField("Amount")'
    yield "    pass\n\n"
    yield f"class {flow}(flow.Flow):"
    yield from _docstring(diagram)
    yield f"    process_class = {process}\n"
    for element in diagram.elements.values():
        if element.kind != "boundaryEvent":
            yield from writer.node(element)
    for method in writer.methods:
        yield f"\n{method}"


def _docstring(diagram: Diagram) -> Iterator[str]:
    title, text = _safe(diagram.name), _safe(diagram.text)
    if title:
        yield f'    """{title}' + (f"\n\n    {text}" if text else "") + '"""\n'


def _safe(text: str) -> str:
    """Text for a docstring or a comment."""
    return text.replace("\\", "/").replace('"', "'")
