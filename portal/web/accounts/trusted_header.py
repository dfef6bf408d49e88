"""Signs people in by a header of a trusted proxy."""

from __future__ import annotations

import contextlib
import ipaddress
import logging

from flask import current_app, request
from werkzeug.datastructures import Headers

from portal.administration.identity import Identity
from portal.sign_in_settings import TrustedHeader

log = logging.getLogger("portal.accounts")


def identity() -> Identity | None:
    """Whom the proxy names; nobody where the request does not come from it, whatever its headers say."""
    settings: TrustedHeader = current_app.extensions["portal"].trusted_header
    username = _header(request.headers, settings.user)
    if not username:
        return None
    if not _is_from(settings):
        log.warning("a request from elsewhere than PORTAL_REMOTE_PROXIES names a person: it is nobody's")
        return None
    roles = _header(request.headers, settings.roles)
    return Identity(
        username,
        name=_header(request.headers, settings.name),
        email=_header(request.headers, settings.email),
        roles=None if roles is None else [each.strip()[:80] for each in roles.split(",") if each.strip()],
    )


def _header(headers: Headers, name: str) -> str | None:
    """What a header says, read as UTF-8; None where it is not there or is no text."""
    if not name or name not in headers:
        return None
    raw = headers[name]
    with contextlib.suppress(UnicodeError):
        raw = raw.encode("latin-1").decode()
    return raw.strip()[:255] if raw.isprintable() else None


def _is_from(settings: TrustedHeader) -> bool:
    """Whether the other end of the connection is the proxy: not what a header says, but who has connected."""
    peer = request.environ.get("werkzeug.proxy_fix.orig", request.environ).get("REMOTE_ADDR") or ""
    if not peer:  # a socket of this machine, which only the proxy may open
        return True
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in settings.proxies)
