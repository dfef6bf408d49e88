"""`Identity`: what a host application or a directory says of a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portal.errors import PortalError


@dataclass(frozen=True)
class Identity:
    """A person as the application around the portal, or a directory, knows them.

    Args:
        username: by which they are told from others, always the same one.
        name: what others call them; `None` leaves what is known.
        email: where mail goes; `""` for none, `None` leaves what is known.
        roles: names of all roles that they have, made when absent; `None` leaves what is known.

    Raises:
        PortalError: the user name is no text, or the roles are a text instead of a list.
    """

    username: str
    name: str | None = None
    email: str | None = None
    roles: Iterable[str] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.username, str):
            raise PortalError(f"Identity(username=…) is a text; write {str(self.username)!r}")
        if isinstance(self.roles, str):
            raise PortalError(f"Identity(roles=…) is a list of names; write roles=[{self.roles!r}]")
        if self.roles is not None:
            object.__setattr__(self, "roles", tuple(self.roles))  # which may be read more than once
