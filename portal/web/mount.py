"""`Mount`: where the portal is in an application, and what it does for itself there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


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

    @cached_property
    def own_accounts(self) -> bool:
        return self.identity is None

    @cached_property
    def by_flask_login(self) -> bool:
        """Whether Flask-Login is the portal's own and knows who makes a request."""
        return self.whole and self.own_accounts


def mount() -> Mount:
    found: Mount = current_app.extensions["portal_mount"]
    return found


class BehindProxies:
    """Believes proxies about the address of the portal's pages, and leaves the rest of an application alone. Where the
    application believes them already it changes nothing: the headers are read anew each time.

    Args:
        hops: how many proxies there are.
        prefix: below which the pages are.
    """

    def __init__(self, wsgi_app: WSGIApplication, hops: int, prefix: str) -> None:
        self._plain, self._prefix = wsgi_app, prefix
        self._fixed = ProxyFix(wsgi_app, x_for=hops, x_proto=hops, x_prefix=hops)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        inside = f"{environ.get('PATH_INFO', '')}/".startswith(f"{self._prefix}/")
        return (self._fixed if inside else self._plain)(environ, start_response)


def believe_proxies(app: Flask, hops: int, prefix: str = "") -> None:
    """Let an application find its own address behind proxies, as `PORTAL_TRUSTED_PROXIES` counts them."""
    if hops:  # who else could say from where a request comes?
        app.wsgi_app = BehindProxies(app.wsgi_app, hops, prefix)  # type: ignore[method-assign]
