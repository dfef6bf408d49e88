"""Branch paths: `start/3_1` is branch 1 of the split task number 3."""

from __future__ import annotations

ROOT = "start"


def branch(token: str, split: int, number: int) -> str:
    return f"{token}/{split}_{number}"


def splits(token: str) -> list[int]:
    """The numbers of the split tasks that a token has passed, outermost first."""
    return [int(part.partition("_")[0]) for part in token.split("/")[1:]]


def scope(token: str, depth: int) -> str:
    """What the branches of one split have in common: `start/3`, for the split at this depth (0 is the outermost)."""
    parts = token.split("/")
    return "/".join([*parts[: depth + 1], parts[depth + 1].partition("_")[0]])


def part(token: str, depth: int) -> str:
    """The branch of the split at this depth (0 is the outermost) that a token is on: `start/3_1`."""
    return "/".join(token.split("/")[: depth + 2])


def is_on(token: str, branch: str) -> bool:
    """Whether a token is on a branch, or on one of its branches."""
    return token == branch or token.startswith(f"{branch}/")


def owner(scope: str) -> str:
    """The token of the split itself."""
    return scope.rpartition("/")[0]


def within(token: str, scope: str) -> bool:
    return token.startswith(f"{scope}_")
