"""A declaration in words, for whoever the process belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.flow.base import describe as condition_words

from .order import reading_order
from .shapes import is_boundary, shape_of
from .words import caption, label, notes, person_words, span


def describe(flow_class: Any) -> str:
    """A flow in words: what it is, and each of its steps with who does it, by when, and what comes next."""
    definition = flow_class.definition
    lines = [definition.title, "=" * len(definition.title)]
    lines += ["", definition.description] if definition.description else []
    nodes = [node for node in reading_order(definition) if not is_boundary(node)]
    for number, node in enumerate(nodes, 1):
        lines += ["", f"{number}. {caption(node)}", *(f"   {line}" for line in _step(node))]
    return "\n".join(lines)


def _step(node: Any) -> Iterator[str]:
    yield f"{shape_of(node).word}{_who(node)}."
    if node.description:
        yield node.description
    if fields := _fields(node):
        yield f"Fills in: {', '.join(fields)}."
    yield from _rules(node)
    yield from _table(node)
    yield from (f"{note[:1].upper()}{note[1:]}." for note in notes(node))
    for boundary in node.boundaries:
        yield _event(boundary)
    yield from _ways(node)


def _who(node: Any) -> str:
    if not node.human:
        return ""
    if node.permission is not None:
        return f", for who holds the permission {node.permission}"
    return ", for everyone who is signed in" if node.starts else ", for whoever may see the process"


def _fields(node: Any) -> list[str]:
    """The labels of a form's fields, the decided one last."""
    view = getattr(node, "view", None)
    names = [*getattr(view, "fields", ())]
    decision = getattr(view, "decision", None)
    if decision is not None:
        names.append(decision.name)
    model = node.flow_class.process_class
    return [str(getattr(_attributes(model).get(name), "label", "") or name) for name in names]


def _attributes(model: Any) -> dict[str, Any]:
    """The attributes of a class and its bases as they are declared."""
    return {
        name: value for base in reversed(getattr(model, "__mro__", ())) for name, value in vars(base).items()
    }


def _rules(node: Any) -> Iterator[str]:
    if (assigned := getattr(node, "_assign", None)) is not None:
        yield f"Goes to {person_words(assigned)}."
    if node.not_same_as:
        nodes = node.flow_class.definition.nodes
        titles = " or ".join(caption(nodes[each.name]) for each in node.not_same_as if each.name in nodes)
        yield _sentence(f"Not by the person of: {titles}")
    if (due := getattr(node, "_due", None)) is not None:
        yield f"Due after {_span(due)}."
    if moment := getattr(node, "until", None):
        yield f"Waits for {_span(moment)}."
    if retries := getattr(node, "retries", 0):
        yield f"Tried again up to {retries} times."


def _table(node: Any) -> Iterator[str]:
    """What a decision table asks for and sets."""
    if (table := node.table) is not None:
        rows = f"{len(table.rules)} row{'s' if len(table.rules) != 1 else ''}"
        yield f"Goes by {', '.join(column.name for column in table.inputs)}: sets {', '.join(table.sets)} ({rows})."


def _span(value: Any) -> str:
    if hasattr(value, "total_seconds"):
        return span(value)
    return condition_words(value) or str(value)


def _event(boundary: Any) -> str:
    rest = "" if boundary.interrupting else ", while the step goes on"
    then = ", ".join(caption(edge.target) for edge in boundary.outgoing) or "its handler runs"
    return _sentence(f"{caption(boundary)}{rest}: {then}")


def _ways(node: Any) -> Iterator[str]:
    ways = [(label(edge), caption(edge.target), edge.kind) for edge in node.outgoing]
    if not ways:
        return
    if not node.decides and not node.splits:
        yield _sentence(f"Then: {', '.join(title for _, title, _ in ways)}")
        return
    for words, title, kind in ways:
        if kind == "then" and not words:
            words = condition_words(getattr(node, "condition", None)) or "if so"
        if kind in ("else", "default"):
            words = words or "otherwise"
        yield f"- {words}: {title}" if words else f"- {title}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
