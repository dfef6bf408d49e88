"""A person as somebody outside of the portal knows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """A person as the application around the portal, or a directory, knows them.

    Args:
        username: by which they are told from others, always the same one.
        name: what others call them; `None` leaves what is known.
        email: where mail goes; `""` for none, `None` leaves what is known.
        roles: names of all roles that they have, made when absent; `None` leaves what is known.
    """

    username: str
    name: str | None = None
    email: str | None = None
    roles: Iterable[str] | None = None
