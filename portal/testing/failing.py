"""Lets a node fail on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: where nodes keep what they call
_CALLS = ("func", "condition")


@contextmanager
def failing(node: Any, error: BaseException) -> Iterator[None]:
    """Let the function or the condition of a node raise an error until the block ends.

    Raises:
        AssertionError: the node has neither.
    """
    name = next((each for each in _CALLS if getattr(node, each, None) is not None), None)
    if name is None:
        raise AssertionError(f"{node.name} calls no code of yours, so nothing of it can fail")
    kept = getattr(node, name)

    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise error

    setattr(node, name, fail)
    try:
        yield
    finally:
        setattr(node, name, kept)
