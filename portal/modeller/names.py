"""Makes Python names from the words of a diagram."""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections.abc import Container

from portal.flow.validation import RESERVED

from .diagram import Diagram, Element

#: what an id of our own export begins with
_OURS = re.compile(r"(?:node|process)_(?=[A-Za-z_])")
_LONGEST = 40


def snake(text: str) -> str:
    """`Check the order!` is `check_the_order`; empty where nothing of it can be in a name."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_").lower()
    return re.sub(r"__+", "_", words[:_LONGEST]).strip("_")


def quoted(text: str) -> str:
    """A text as Python writes it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def camel(text: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in snake(text).split("_"))


def class_name(diagram: Diagram) -> str:
    """The name of a flow's class: of an export, the one whose label its id is."""
    own = _OURS.sub("", diagram.id) if _OURS.match(diagram.id) else ""
    name = camel(own or diagram.name or diagram.id) or "Imported"
    return f"{name if name[0].isalpha() else f'A{name}'}Flow"


def node_names(diagram: Diagram) -> dict[str, str]:
    """The names of the nodes by the ids of their elements: of an export those of its flow, else made of the titles."""
    names: dict[str, str] = {}
    for element in diagram.elements.values():
        if element.kind != "boundaryEvent":
            names[element.id] = _unique(_name(element), set(names.values()))
    return names


def _name(element: Element) -> str:
    if _OURS.match(element.id) and element.id[5:].isidentifier():
        return element.id[5:]
    word = {"startEvent": "start", "endEvent": "end"}.get(element.kind, "step")
    if element.kind.endswith("Gateway"):
        word = (
            "join" if len(element.ways) < 2 else "choose" if element.kind == "exclusiveGateway" else "split"
        )
    name = snake(element.name) or word
    return name if name[0].isalpha() else f"{word}_{name}"


def _unique(name: str, taken: Container[str]) -> str:
    if keyword.iskeyword(name) or name in RESERVED or hasattr(object, name):
        name = f"{name}_step"
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
