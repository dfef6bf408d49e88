"""People and the roles that give them permissions."""

from __future__ import annotations

import datetime as dt
import secrets
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, validates

from portal import usernames
from portal.errors import PortalError
from portal.flow.registry import registry
from portal.jsonstore import EmailField
from portal.language import gettext as _

from .base import Base, UTCDateTime, db, utcnow

if TYPE_CHECKING:
    from .absence import Absence

#: 64 bit where the database has it; SQLite numbers its rows only for its own INTEGER
BigId = BigInteger().with_variant(Integer, "sqlite")

user_role = Table(
    "portal_user_role",
    Base.metadata,
    Column("user_id", ForeignKey("portal_user.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("portal_role.id", ondelete="CASCADE"), primary_key=True),
)


@lru_cache
def _hasher(cheap: bool) -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1) if cheap else PasswordHasher()


class Passwords:
    """How passwords are hashed. Argon2 is slow by design; tests make it `cheap`."""

    cheap = False

    @classmethod
    def hash(cls, password: str) -> str:
        return _hasher(cls.cheap).hash(password)

    @classmethod
    def verify(cls, hashed: str, password: str) -> bool:
        try:
            return _hasher(cls.cheap).verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


class Role(Base):
    """A named set of permissions."""

    __tablename__ = "portal_role"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    permissions: Mapped[list[str]] = mapped_column(MutableList.as_mutable(JSON), default=list)


class User(Base):
    """A person who signs in. The interface of Flask-Login is written out, so that models need no web library."""

    __tablename__ = "portal_user"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    username: Mapped[str] = mapped_column(String(150), unique=True)
    #: the same for all names that are one, see `usernames`; longer than a key where a database of before had two
    username_key: Mapped[str] = mapped_column(String(180), unique=True)
    full_name: Mapped[str] = mapped_column(String(200), default="")
    #: by which lists of people are sorted: what others call them, without regard to letters' case
    name_key: Mapped[str] = mapped_column(String(200), default="", server_default="")
    email: Mapped[str | None] = mapped_column(String(254))
    #: by which somebody is found who signs in by their address, see `mail_key`
    email_key: Mapped[str | None] = mapped_column(String(300))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    #: kept with each session too: a new password ends the sessions of the old one
    session_key: Mapped[str] = mapped_column(String(32), default=lambda: secrets.token_hex(16))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_superuser: Mapped[bool] = mapped_column(default=False)
    permissions: Mapped[list[str]] = mapped_column(MutableList.as_mutable(JSON), default=list)
    #: whom `assign.ManagerOf` means
    manager_id: Mapped[int | None] = mapped_column(
        ForeignKey("portal_user.id", name="fk_portal_user_manager", ondelete="SET NULL")
    )
    department: Mapped[str] = mapped_column(String(200), default="", server_default="")
    #: what `assign.Capability` asks for
    skills: Mapped[list[str]] = mapped_column(MutableList.as_mutable(JSON), default=list, server_default="[]")
    #: how many open tasks rules of assignment give this person at most; None for any number
    capacity: Mapped[int | None]
    #: as `de` or `de-CH`; the browser's where nothing is said
    language: Mapped[str | None] = mapped_column(String(20))
    #: as `Europe/Zurich`; the browser's where nothing is said
    timezone: Mapped[str | None] = mapped_column(String(64))
    preferences: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created: Mapped[dt.datetime] = mapped_column(UTCDateTime, default=utcnow)
    last_sign_in: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: since when nothing tells any more who this was
    erased: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    #: not joined by itself, or everyone who selects processes would have to say `unique()`
    roles: Mapped[list[Role]] = relationship(secondary=user_role)
    manager: Mapped[User | None] = relationship(remote_side=[id])
    if TYPE_CHECKING:
        #: the absences, of any time, in which this person stands in for somebody; see `absence`
        stand_ins: Mapped[list[Absence]]

    __table_args__ = (
        Index("ix_portal_user_name_key", "name_key", "id"),
        Index("ix_portal_user_email_key", "email_key"),
    )

    is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        return str(self.id)

    @validates("username")
    def _take_key(self, _name: str, username: str) -> str:
        self.username_key = usernames.key(username)
        self.name_key = _sorted_by(self.full_name, username)
        return usernames.clean(username)

    @validates("email")
    def _take_mail(self, _name: str, email: str | None) -> str | None:
        self.email_key = mail_key(email) if email else None
        return email

    @validates("full_name")
    def _take_name(self, _name: str, full_name: str) -> str:
        self.name_key = _sorted_by(full_name, self.username)
        return full_name

    @property
    def name(self) -> str:
        """What others call this person."""
        return _("former user") if self.erased else self.full_name or self.username

    def set_password(self, password: str) -> None:
        self.password_hash = Passwords.hash(password)
        self.session_key = secrets.token_hex(16)

    def check_password(self, password: str) -> bool:
        return self.password_hash is not None and Passwords.verify(self.password_hash, password)

    @property
    def all_permissions(self) -> frozenset[str]:
        """The permissions given to this person and to their roles."""
        return frozenset(self.permissions or ()).union(*map(_PERMISSIONS, self.roles))

    def can(self, permission: str | None, obj: str | None = None) -> bool:
        """Whether this person holds a permission, everywhere or for one object.

        Args:
            permission: a name such as `hello_world.can_approve`; `None` is held by everyone.
            obj: the key of an object; `shop.approve:42` is `shop.approve` for object 42 only.
        """
        if permission is None or self.is_superuser:
            return True
        held = self.all_permissions
        return permission in held or (obj is not None and f"{permission}:{obj}" in held)

    def manages(self, label: str) -> bool:
        return self.can(f"{label}.manage")

    def views(self, label: str) -> bool:
        return self.can(f"{label}.view") or self.manages(label)


_PERMISSIONS = attrgetter("permissions")


def _sorted_by(full_name: str | None, username: str | None) -> str:
    return usernames.key(full_name or username or "")[:200]


def mail_key(address: str) -> str:
    """What is the same for addresses that are one: in any letters' case."""
    return unicodedata.normalize("NFC", address[:300].strip()).lower()[:300]


def check_permissions(names: Iterable[str]) -> list[str]:
    """The names as a list; raises `PortalError`, naming the known ones, for one that no flow declares."""
    known = registry.permissions()
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in known and name.rpartition(":")[0] not in known:
            raise PortalError(f"unknown permission {name!r}; known are: {', '.join(sorted(known)) or 'none'}")
    return wanted


def roles_named(session: Session, names: Iterable[str]) -> list[Role]:
    """The roles with these names, made when absent.

    Raises:
        PortalError: a name alone in the place of a list.
    """
    if isinstance(names, str):
        raise PortalError(f"roles are a list of names; write [{names!r}]")
    names = list(dict.fromkeys(names))
    there = (
        {role.name: role for role in session.scalars(select(Role).where(Role.name.in_(names)))}
        if names
        else {}
    )
    for name in names:
        if name not in there:
            there[name] = Role(name=name, permissions=[])
            session.add(there[name])
    return [there[name] for name in names]


def _demand_address(email: str) -> None:
    try:
        EmailField().check(email)
    except ValueError as error:
        raise PortalError(f"{email!r}: {error}") from error


def create_user(
    username: str,
    password: str | None = None,
    *,
    permissions: Iterable[str] = (),
    roles: Iterable[str] = (),
    is_superuser: bool = False,
    full_name: str = "",
    email: str | None = None,
) -> User:
    """Make and commit a person.

    Args:
        username: what they sign in with; unique.
        password: `None` makes someone who cannot sign in with a password.
        permissions: names that the registered flows declare.
        roles: names of roles, made when absent.
        is_superuser: may do everything.
        full_name: what others see; the user name where it is empty.
        email: where mail about processes goes; `None` for none.

    Raises:
        PortalError: an unknown permission, no mail address, or the user name is empty, taken or looks like one that is.
    """
    session = db.session
    fault = usernames.fault(username or "")
    if fault is not None:
        raise PortalError(fault)
    _demand_free(session(), username)
    if email is not None:
        _demand_address(email)
    user = User(
        username=username,
        permissions=check_permissions(permissions),
        roles=roles_named(session(), roles),
        is_superuser=is_superuser,
        full_name=full_name,
        email=email,
    )
    if password is not None:
        user.set_password(password)
    session.add(user)
    try:
        session.commit()
    except IntegrityError:  # somebody was faster
        session.rollback()
        _demand_free(session(), username)
        raise
    return user


def _demand_free(session: Session, username: str) -> None:
    there = find_user(session, username)
    if there is not None:
        alike = "" if there.username == username else f", and {username!r} is the same name or looks like it"
        raise PortalError(f"there is a user {there.username!r} already{alike}")


def find_user(session: Session, username: str) -> User | None:
    """The person of this name, in any letters' case and spelling. None if there is none."""
    key = usernames.key(username)
    # Where a database of before had two of one key, each is found by their own name, as it was typed then.
    exact = [name for name in (username, usernames.clean(username)) if name.isprintable()]
    query = select(User).where(or_(User.username_key == key, User.username.in_(exact)))
    found = {user.username: user for user in session.scalars(query)}
    return next((found[name] for name in [*exact, *found] if name in found), None)


def find_person(session: Session, said: str) -> User | None:
    """The person of this user name, or else the only active one who is called so. None if there is none."""
    found, key = find_user(session, said), usernames.key(said)[:200]
    if found is not None or not key or not key.isprintable():
        return found
    called = select(User).where(User.name_key == key, User.is_active).limit(2)
    people = session.scalars(called).all()
    return people[0] if len(people) == 1 else None


def people_of_mail(session: Session, address: str) -> list[User]:
    """The active people who have this mail address, at most ten: nothing keeps two from having the same."""
    key = mail_key(address)
    if "@" not in key or not key.isprintable():
        return []
    query = select(User).where(User.email_key == key, User.is_active, User.erased.is_(None))
    return list(session.scalars(query.order_by(User.id).limit(10)))


def find_who_signs_in(session: Session, said: str) -> User | None:
    """The person of this user name, or the only one of this mail address. A name comes first."""
    user = find_user(session, said)
    if user is not None or "@" not in said:
        return user
    found = people_of_mail(session, said)
    return found[0] if len(found) == 1 else None
