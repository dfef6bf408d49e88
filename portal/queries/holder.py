"""The permissions of a user as plain values, for statements that serve all who have the same."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam

from portal.models import BigId, User, UTCDateTime


class Holder:
    """Whoever holds these permissions: a statement made for one person serves all who hold the same."""

    def __init__(self, user: User) -> None:
        self.is_superuser = user.is_superuser
        self.all_permissions = user.all_permissions
        self.id: Any = bindparam("me", type_=BigId)
        self.now: Any = bindparam("now", type_=UTCDateTime)
        #: a statement for who stands in for somebody is made for them alone
        self.stand_ins: tuple[Any, ...] = ()

    def views(self, label: str) -> bool:
        held = self.all_permissions
        return self.is_superuser or f"{label}.view" in held or f"{label}.manage" in held

    @property
    def key(self) -> tuple[Any, ...]:
        return self.is_superuser, self.all_permissions
