"""The choices of a field, given as pairs, values or an Enum."""

from __future__ import annotations

import enum
from typing import Any


def enum_of(choices: Any) -> type[enum.Enum] | None:
    return choices if isinstance(choices, type) and issubclass(choices, enum.Enum) else None


def pairs(choices: Any) -> list[tuple[Any, str]]:
    if isinstance(choices, str):
        raise ValueError(f'choices= takes several values, not {choices!r}; write choices=["{choices}"]')
    if enum_of(choices):
        return [(member.value, _member_label(member)) for member in choices]
    return [
        (choice[0], str(choice[1]))
        if isinstance(choice, (tuple, list)) and len(choice) == 2
        else (choice, str(choice))
        for choice in choices
    ]


def _member_label(member: enum.Enum) -> str:
    label = getattr(member, "label", None)
    return str(label) if label is not None else member.name.replace("_", " ").capitalize()


def same_choice(first: Any, second: Any) -> bool:
    return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)
