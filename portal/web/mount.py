"""Where the portal is in an application, and what it does for itself there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app


@dataclass(frozen=True)
class Mount:
    """How an application has the portal.

    Args:
        whole: the application is the portal's own: errors, headers and sessions everywhere in it are the portal's.
        prefix: of the addresses of its pages.
        identity: says who makes a request. `None` where people sign in to the portal itself.
        login_url: where nobody is sent to sign in to the application.
    """

    whole: bool = True
    prefix: str = ""
    identity: Callable[[], Any] | None = None
    login_url: str | None = None

    @property
    def own_accounts(self) -> bool:
        return self.identity is None


def mount() -> Mount:
    found: Mount = current_app.extensions["portal_mount"]
    return found
