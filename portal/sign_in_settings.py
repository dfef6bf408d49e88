"""Settings for people who sign in elsewhere: OpenID Connect, LDAP, and a proxy's header."""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from portal import settings
from portal.settings import PREFIX

#: how somebody of a directory who is new is found among the people who are here already
LINKS = ("off", "username", "email")
#: machines to which a secret may be sent without TLS
_OWN = frozenset(("localhost", "127.0.0.1", "::1"))


@dataclasses.dataclass(frozen=True)
class Directory:
    """How the people of a directory become people here.

    Attributes:
        roles: names of roles here by the groups there; None where the groups' names are those of roles.
        allowed: groups of which somebody has to be in one; none lets in everybody.
        link: one of `LINKS`.
        provision: whether somebody who is new is added.
    """

    roles: Mapping[str, str] | None
    allowed: tuple[str, ...]
    link: str
    provision: bool

    def roles_of(self, groups: list[str]) -> list[str]:
        """The roles that these groups give."""
        if self.roles is None:
            return list(dict.fromkeys(groups))
        return list(dict.fromkeys(self.roles[each] for each in groups if each in self.roles))

    def lets_in(self, groups: list[str]) -> bool:
        return not self.allowed or bool({*self.allowed} & {*groups})


@dataclasses.dataclass(frozen=True)
class OpenId:
    """A provider of OpenID Connect, `PORTAL_OIDC_…`."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    #: what the button says
    title: str
    username_claim: str
    #: where the groups are, as `groups` or `realm_access.roles`; empty leaves roles to the portal
    roles_claim: str
    #: how long somebody stays signed in before the provider is asked again
    session: dt.timedelta
    people: Directory


@dataclasses.dataclass(frozen=True)
class Ldap:
    """A directory of LDAP, `PORTAL_LDAP_…`."""

    url: str
    start_tls: bool
    #: with which the directory is searched; empty for nobody
    bind_dn: str
    bind_password: str
    base: str
    #: who may sign in at all, as `(objectClass=person)`
    filter: str
    username: str
    full_name: str
    email: str
    #: what never changes for a person; the DN where it is empty
    unique: str
    groups: str
    people: Directory


@dataclasses.dataclass(frozen=True)
class TrustedHeader:
    """A proxy that signs people in and says in headers who they are, `PORTAL_REMOTE_…`."""

    user: str
    name: str
    email: str
    roles: str
    #: from where the proxy speaks to the portal
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def read_open_id(values: MutableMapping[str, Any]) -> OpenId | None:
    """
    Raises:
        ValueError: a setting cannot be, or is missing.
    """
    said = _Said("OIDC", values)
    if not said.has("ISSUER"):
        said.demand_all_read()
        return None
    issuer = said.text("ISSUER").rstrip("/")
    parts = urlsplit(issuer)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _OWN):
        raise ValueError(f"{PREFIX}OIDC_ISSUER is {issuer!r}; it is an address that begins with https://")
    session = settings.span("OIDC_SESSION", said.text("SESSION", str(12 * 3600)))
    found = OpenId(
        issuer=issuer,
        client_id=said.needed("CLIENT_ID"),
        client_secret=said.text("CLIENT_SECRET"),
        scopes=said.text("SCOPES", "openid profile email"),
        title=said.text("TITLE"),
        username_claim=said.text("USERNAME_CLAIM", "preferred_username"),
        roles_claim=said.text("ROLES_CLAIM"),
        session=session,
        people=said.directory("off"),
    )
    if "openid" not in found.scopes.split():
        raise ValueError(f"{PREFIX}OIDC_SCOPES is {found.scopes!r}; openid has to be among them")
    if found.people.allowed and not found.roles_claim:
        raise ValueError(f"{PREFIX}OIDC_ALLOWED names groups: say in {PREFIX}OIDC_ROLES_CLAIM where they are")
    said.demand_all_read()
    return found


def read_ldap(values: MutableMapping[str, Any]) -> Ldap | None:
    """
    Raises:
        ValueError: a setting cannot be, or is missing.
    """
    said = _Said("LDAP", values)
    if not said.has("URL"):
        said.demand_all_read()
        return None
    url, start_tls = said.text("URL"), said.switch("START_TLS", False)
    parts = urlsplit(url)
    if parts.scheme not in ("ldap", "ldaps") or not parts.hostname:
        raise ValueError(f"{PREFIX}LDAP_URL is {url!r}; it is an address such as ldaps://ldap.example.com")
    if parts.scheme == "ldap" and not start_tls and parts.hostname not in _OWN:
        raise ValueError(
            f"{PREFIX}LDAP_URL is {url!r}: passwords would be sent as they are. "
            f"Say ldaps://, or {PREFIX}LDAP_START_TLS=on"
        )
    found = Ldap(
        url=url,
        start_tls=start_tls,
        bind_dn=said.text("BIND_DN"),
        bind_password=said.text("BIND_PASSWORD"),
        base=said.needed("BASE"),
        filter=said.text("FILTER", "(objectClass=person)"),
        username=said.text("USERNAME", "uid"),
        full_name=said.text("FULL_NAME", "cn"),
        email=said.text("EMAIL", "mail"),
        unique=said.text("UNIQUE"),
        groups=said.text("GROUPS"),
        people=said.directory("username"),
    )
    if found.people.allowed and not found.groups:
        raise ValueError(f"{PREFIX}LDAP_ALLOWED names groups: say in {PREFIX}LDAP_GROUPS where they are")
    said.demand_all_read()
    return found


def read_trusted_header(values: MutableMapping[str, Any], trusted_proxies: int) -> TrustedHeader | None:
    """
    Raises:
        ValueError: a setting cannot be, or no proxy is trusted.
    """
    said = _Said("REMOTE", values)
    if not said.has("USER_HEADER"):
        said.demand_all_read()
        return None
    if not trusted_proxies:
        raise ValueError(
            f"{PREFIX}REMOTE_USER_HEADER is for a portal behind a proxy: say {PREFIX}TRUSTED_PROXIES, and let the "
            "proxy take this header out of what people send"
        )
    networks = [part.strip() for part in said.text("PROXIES", "127.0.0.1, ::1").split(",") if part.strip()]
    with settings.naming("REMOTE_PROXIES"):
        proxies = tuple(ipaddress.ip_network(each) for each in networks)
    found = TrustedHeader(
        user=said.text("USER_HEADER"),
        name=said.text("NAME_HEADER"),
        email=said.text("EMAIL_HEADER"),
        roles=said.text("ROLES_HEADER"),
        proxies=proxies,
    )
    said.demand_all_read()
    return found


def parse_roles(text: str) -> Mapping[str, str] | None:
    """Groups and roles: `finance-team -> Finance; cn=it,dc=example -> Administrators`. None where it is empty.

    Raises:
        ValueError: it is not written so.
    """
    found = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        group, arrow, role = (each.strip() for each in part.rpartition("->"))
        if not (arrow and group and role):
            raise ValueError(f"{part!r} is not written as group -> role")
        found[group] = role
    return found or None


class _Said:
    """The settings of one kind, each read once."""

    def __init__(self, kind: str, values: MutableMapping[str, Any]) -> None:
        self._kind = f"{kind}_"
        self._begin = f"{PREFIX}{self._kind}"
        names = [name for name in values if name.startswith(self._kind)]
        self._values = {name.removeprefix(self._kind): values.pop(name) for name in names}

    def has(self, name: str) -> bool:
        return bool(self._values.get(name))

    def text(self, name: str, default: str = "") -> str:
        value = self._values.pop(name, None)
        return default if value in (None, "") else str(value).strip()

    def needed(self, name: str) -> str:
        found = self.text(name)
        if not found:
            raise ValueError(f"{self._begin}{name} is missing")
        return found

    def switch(self, name: str, default: bool) -> bool:
        return settings.switch(f"{self._kind}{name}", self._values.pop(name, default))

    def directory(self, link: str) -> Directory:
        found = settings.one_of(*LINKS)(f"{self._kind}LINK", self.text("LINK", link))
        with settings.naming(f"{self._kind}ROLES"):
            roles = parse_roles(self.text("ROLES"))
        allowed = tuple(each.strip() for each in self.text("ALLOWED").split(";") if each.strip())
        return Directory(roles, allowed, found, self.switch("PROVISION", True))

    def demand_all_read(self) -> None:
        """A misspelt setting, or one beside nothing that it could belong to, is not passed over."""
        left = sorted(name for name, value in self._values.items() if value not in ("", None))
        if left:
            raise ValueError(
                f"{self._begin}{left[0]}: there is no such setting, or what it belongs to is not set"
            )
