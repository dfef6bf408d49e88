"""Finds the fields that a step has to do with: those that its code names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any


def named_fields(node: Any, names: list[str]) -> list[str]:
    """Those of these fields that the code of a step names; none where it cannot be read.

    Args:
        node: the step's node; None where the code no longer has it.
        names: the fields of its process class.
    """
    if node is None:
        return []
    said = {word for called in node.calls() for word in _words(_function(node, called.call))}
    if node.table is not None:
        said |= {*node.table.needs}
    return [name for name in names if name in said]


def _function(node: Any, call: Any) -> Callable[..., Any] | None:
    """What is called: a function, or the method of the flow that a reference names."""
    found = getattr(node.flow_class, call.name, None) if hasattr(call, "name") else call
    return found if callable(found) else None


def _words(function: Callable[..., Any] | None) -> Iterator[str]:
    code = getattr(inspect.unwrap(function), "__code__", None) if function is not None else None
    if code is not None:
        yield from _of_code(code)


def _of_code(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _of_code(constant)
        elif isinstance(constant, str):
            yield constant
