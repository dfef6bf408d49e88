"""Describes a flow in words, for the people whose process it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.flow.base import describe as condition_words
from portal.language import gettext as _
from portal.language import ngettext

from .order import reading_order
from .shapes import is_boundary, shape_of
from .words import caption, label, notes, person_words, span


def describe(flow_class: Any) -> str:
    """A flow in words: what it is, and each of its steps with who does it, by when, and what comes next."""
    definition = flow_class.definition
    lines = [definition.title, "=" * len(definition.title)]
    lines += ["", definition.description] if definition.description else []
    for number, (title, sentences) in enumerate(described(flow_class), 1):
        lines += ["", f"{number}. {title}", *(f"   {line}" for line in sentences)]
    return "\n".join(lines)


def described(flow_class: Any) -> list[tuple[str, list[str]]]:
    """The title of each step, with what there is to say of it, a line each."""
    nodes = [node for node in reading_order(flow_class.definition) if not is_boundary(node)]
    return [(caption(node), list(_step(node))) for node in nodes]


def _step(node: Any) -> Iterator[str]:
    yield f"{shape_of(node).word}{_who(node)}."
    if node.description:
        yield node.description
    if fields := _fields(node):
        yield _("Fills in: %(fields)s.", fields=", ".join(fields))
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
        return _(", for who holds the permission %(permission)s", permission=node.permission)
    return _(", for everyone who is signed in") if node.starts else _(", for whoever may see the process")


def _fields(node: Any) -> list[str]:
    """The labels of a form's fields, the decided one last."""
    view = node.view
    names = [*getattr(view, "fields", ())]
    decision = getattr(view, "decision", None)
    if decision is not None:
        names.append(decision.name)
    model = node.flow_class.process_class
    attributes = _attributes(model)
    return [_label(name, attributes.get(name)) for name in names]


def _label(name: str, attribute: Any) -> str:
    said = getattr(attribute, "label", "") or name
    if callable(said):  # a column, called as its form calls it
        said = attribute.info.get("label") or name.replace("_", " ").strip().capitalize()
    return str(said)


def _attributes(model: Any) -> dict[str, Any]:
    """The attributes of a class and its bases as they are declared."""
    return {
        name: value for base in reversed(getattr(model, "__mro__", ())) for name, value in vars(base).items()
    }


def _rules(node: Any) -> Iterator[str]:
    if node.assigned is not None:
        yield _("Goes to %(person)s.", person=person_words(node.assigned))
    if node.not_same_as:
        nodes = node.flow_class.definition.nodes
        titles = _(" or ").join(caption(nodes[each.name]) for each in node.not_same_as if each.name in nodes)
        yield _sentence(_("Not by the person of: %(steps)s", steps=titles))
    if node.due is not None:
        yield _("Due after %(span)s.", span=_span(node.due))
    if node.until:
        yield _("Waits for %(span)s.", span=_span(node.until))
    if node.retries:
        yield _("Tried again up to %(number)s times.", number=node.retries)


def _table(node: Any) -> Iterator[str]:
    """What a decision table asks for and sets."""
    if (table := node.table) is not None:
        yield _(
            "Goes by %(inputs)s: sets %(sets)s (%(rows)s).",
            inputs=", ".join(column.name for column in table.inputs),
            sets=", ".join(table.sets),
            rows=ngettext("%(number)s row", "%(number)s rows", len(table.rules)),
        )


def _span(value: Any) -> str:
    if hasattr(value, "total_seconds"):
        return span(value)
    return condition_words(value) or str(value)


def _event(boundary: Any) -> str:
    rest = "" if boundary.interrupting else _(", while the step goes on")
    then = ", ".join(caption(edge.target) for edge in boundary.outgoing) or _("its handler runs")
    return _sentence(f"{caption(boundary)}{rest}: {then}")


def _ways(node: Any) -> Iterator[str]:
    ways = [(label(edge), caption(edge.target), edge.kind) for edge in node.outgoing]
    if not ways:
        return
    if not node.decides and not node.splits:
        yield _sentence(_("Then: %(steps)s", steps=", ".join(title for _words, title, _kind in ways)))
        return
    for words, title, kind in ways:
        if kind == "then" and not words:
            words = condition_words(node.condition) or _("if so")
        if kind in ("else", "default"):
            words = words or _("otherwise")
        yield f"- {words}: {title}" if words else f"- {title}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
