"""Reads an LDAP directory (extra `ldap`): checks a password, and lists everybody."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from portal.errors import PortalError
from portal.language import gettext as _
from portal.sign_in_settings import Ldap

from .arrivals import Arrival
from .identity import Identity

if TYPE_CHECKING:
    from ldap3 import Connection, Server

log = logging.getLogger("portal.accounts")

#: of people of LDAP, in `ExternalIdentity`
SOURCE = "ldap"
#: seconds that the directory has to take a connection, and for an answer
_PATIENCE = 10
_LONGEST = 255
#: people that are read at a time
_CHUNK = 500


class Unreachable(PortalError):
    """The directory does not answer, or refuses the portal itself."""


class LdapDirectory:
    """
    Args:
        server, strategy: of ldap3; those of tests.
    """

    def __init__(self, settings: Ldap, server: Server | None = None, strategy: Any = "SYNC") -> None:
        try:
            import ldap3
        except ImportError as error:
            raise PortalError(
                "PORTAL_LDAP_URL needs the extra `ldap`: pip install flask-flow-portal[ldap]"
            ) from error
        self.settings = settings
        self._strategy = strategy
        self._server = server or ldap3.Server(settings.url, get_info=ldap3.NONE, connect_timeout=_PATIENCE)

    def sign_in(self, username: str, password: str) -> Arrival | None:
        """The person of this name, if the directory accepts the password.

        Raises:
            Unreachable: it does not answer.
        """
        if not username.strip() or not username.isprintable() or not password:
            return None  # without a password a directory takes anybody as nobody
        from ldap3.utils.conv import escape_filter_chars

        name = escape_filter_chars(username.strip()[:_LONGEST])
        with self._connected() as connection:
            found = list(self._search(connection, f"({self.settings.username}={name})"))
        if len(found) != 1:
            return None
        with _in_words():
            connection = self._connection(found[0]["dn"], password)
            try:
                if not self._bind(connection):
                    return None
            finally:
                connection.unbind()
        return self._arrival(found[0])

    def everybody(self) -> Iterator[Arrival]:
        """All whom the settings mean.

        Raises:
            Unreachable: it does not answer.
        """
        with self._connected() as connection:
            for entry in self._search(connection, ""):
                arrival = self._arrival(entry)
                if arrival is not None:
                    yield arrival

    def _arrival(self, entry: dict[str, Any]) -> Arrival | None:
        settings, values = self.settings, entry["raw_attributes"]
        groups = [name for value in _texts(values, settings.groups) for name in (value, *_common_name(value))]
        username = next(iter(_texts(values, settings.username)), "")
        if not username:
            return None
        identity = Identity(
            username[:_LONGEST],
            name=next(iter(_texts(values, settings.full_name)), None),
            email=next(iter(_texts(values, settings.email)), None),
            roles=settings.people.roles_of(groups) if settings.groups else None,
        )
        unique = next(iter(_texts(values, settings.unique)), "") or str(entry["dn"]).lower()
        return Arrival(
            SOURCE, unique[:_LONGEST], identity, allowed=settings.people.lets_in(groups), verified=True
        )

    def _search(self, connection: Connection, condition: str) -> Iterator[dict[str, Any]]:
        settings = self.settings
        names = (settings.username, settings.full_name, settings.email, settings.unique, settings.groups)
        with _in_words():
            found = connection.extend.standard.paged_search(
                settings.base,
                f"(&{settings.filter}{condition})" if condition else settings.filter,
                attributes=[name for name in dict.fromkeys(names) if name],
                paged_size=_CHUNK,
                generator=True,
            )
            yield from (entry for entry in found if entry.get("type") == "searchResEntry")

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection that may search."""
        with _in_words():
            connection = self._connection(self.settings.bind_dn, self.settings.bind_password)
            if not self._bind(connection):
                raise Unreachable(_("The directory refuses the portal. Tell an administrator."))
        try:
            yield connection
        finally:
            with _in_words():
                connection.unbind()

    def _connection(self, dn: str, password: str) -> Connection:
        import ldap3

        known: dict[str, Any] = (
            {"user": dn, "password": password, "authentication": ldap3.SIMPLE} if dn else {}
        )
        return ldap3.Connection(
            self._server,
            client_strategy=self._strategy,
            read_only=True,
            check_names=False,
            receive_timeout=_PATIENCE,
            **known,
        )

    def _bind(self, connection: Connection) -> bool:
        try:
            if self.settings.start_tls:
                connection.open()
                connection.start_tls()
            return bool(connection.bind())
        except BaseException:
            if connection.socket is not None:  # one that was never connected is not closed by the library
                connection.socket.close()
            raise


@contextmanager
def _in_words() -> Iterator[None]:
    from ldap3.core.exceptions import LDAPException

    try:
        yield
    except LDAPException as error:
        log.warning("the directory cannot be asked: %s: %s", type(error).__name__, str(error)[:200])
        raise Unreachable(_("The directory of people does not answer. Try again in a minute.")) from error


def _texts(values: Any, name: str) -> list[str]:
    """The values of an attribute; what is no text is written in hexadecimal digits."""
    found = []
    for value in (values.get(name) or ()) if name else ():
        raw = value if isinstance(value, bytes) else str(value).encode()
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.hex()
        found.append(text if text.isprintable() else raw.hex())
    return found


def _common_name(group: str) -> list[str]:
    """`Finance` of `cn=Finance,ou=groups,dc=example`."""
    first, _comma, _rest = group.partition(",")
    kind, equals, name = first.partition("=")
    return [name.strip()] if equals and kind.strip().lower() == "cn" else []
