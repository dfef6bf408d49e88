"""`Config`: the settings from the environment and the caller, as one frozen value."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.util
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.helpers import get_debug_flag

from portal import folders, private
from portal.flow.names import near
from portal.flow.retention import Retention
from portal.secret_key import kept_secret, refuse_samples
from portal.settings import (
    PREFIX,
    address,
    as_given,
    calendar,
    mail,
    modules,
    names,
    number,
    one_of,
    retention,
    seconds,
    size,
    span,
    switch,
    text,
    urls,
)  # fmt: skip
from portal.sign_in_settings import Ldap, OpenId, TrustedHeader, read_ldap, read_open_id, read_trusted_header
from portal.working_time import WorkingCalendar

#: names the application that Celery serves, as `flask --app` does; no setting of it
APP = "PORTAL_APP"
BASE_URL = "http://127.0.0.1:5000"


def _setting(name: str, default: Any, read: Callable[[str, Any], Any]) -> Any:
    """A field that is read from one setting, whose name is without the prefix."""
    return dataclasses.field(metadata={"setting": (name, default, read)})


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings that `docs/running.md` lists; everything else is Flask's."""

    #: in which working time is counted
    calendar: WorkingCalendar
    #: by whom people may be known elsewhere
    open_id: OpenId | None
    ldap: Ldap | None
    trusted_header: TrustedHeader | None
    #: Flask's own settings, passed on
    flask: dict[str, Any]

    database_url: str = _setting("DATABASE_URL", "", text)
    #: how many connections a process keeps open; as many again are opened while it is busy
    database_pool: int = _setting("DATABASE_POOL", 10, number)
    #: seconds that a statement may wait for a lock, and may take
    lock_timeout: float = _setting("DATABASE_LOCK_TIMEOUT", 5, seconds)
    statement_timeout: float = _setting("DATABASE_STATEMENT_TIMEOUT", 60, seconds)
    secret_key: str = _setting("SECRET_KEY", None, as_given)
    flows: tuple[str, ...] = _setting("FLOWS", None, as_given)
    executor: str = _setting("EXECUTOR", "local", one_of("local", "celery"))
    #: seconds until a message that no Celery worker has followed is sent again
    celery_patience: float = _setting("CELERY_PATIENCE", 120, seconds)
    #: where the messages to Celery go; two portals that share a broker need two
    celery_queue: str = _setting("CELERY_QUEUE", "portal", text)
    scheduler: bool = _setting("SCHEDULER", "on", switch)
    #: seconds that a worker which is told to stop may take for what it has begun
    grace: float = _setting("GRACE", 30, seconds)
    base_url: str = _setting("BASE_URL", BASE_URL, address)
    max_depth: int = _setting("MAX_DEPTH", 50, number)
    #: where the bytes of files are: a folder, or an address that fsspec knows
    storage: str = _setting("STORAGE", "", text)
    #: how long a try of a job may take whose node says nothing of it
    job_timeout: dt.timedelta = _setting("JOB_TIMEOUT", 3600, span)  # noqa: RUF009
    #: addresses that are called for every flow, and what signs the calls; without a secret they are only shown
    webhooks: tuple[str, ...] = _setting("WEBHOOKS", (), urls)
    webhook_secret: str = _setting("WEBHOOK_SECRET", "", text)
    #: rules of retention that take the place of the flows' own, by their labels
    retention: Mapping[str, tuple[Retention, ...]] = _setting("RETENTION", "", retention)
    log: str | None = _setting("LOG", None, as_given)
    metrics_token: str | None = _setting("METRICS_TOKEN", None, as_given)
    trusted_proxies: int = _setting("TRUSTED_PROXIES", 0, number)
    #: how often a minute a token may be used; 0 for any number
    api_rate: int = _setting("API_RATE", 600, number)
    #: whether wrong passwords slow down who sends them
    throttle: bool = _setting("THROTTLE", None, as_given)
    #: characters that a password has at least which somebody chooses on a page
    password_length: int = _setting("PASSWORD_LENGTH", 12, number)
    #: who signs in by two factors: who wants to, also every administrator, or all
    two_factors: str = _setting("TWO_FACTORS", "optional", one_of("optional", "admins", "all"))
    #: how long a session may lie idle, and may last at all
    session_idle: dt.timedelta = _setting("SESSION_IDLE", 7 * 86_400, span)  # noqa: RUF009
    session_lifetime: dt.timedelta = _setting("SESSION_LIFETIME", 30 * 86_400, span)  # noqa: RUF009

    @classmethod
    def read(cls, given: Mapping[str, Any] | None, instance: Path) -> Config:
        """Read the environment, overridden by a mapping with the same names without the prefix.

        Args:
            given: `{"DATABASE_URL": …, "FLOWS": [...], "TESTING": True}`.
            instance: the folder for the SQLite file and the secret key when nothing else is said.

        Raises:
            ValueError: a setting is none of what it can be, or has the prefix in the mapping.
        """
        given = given or {}
        for name in given:
            bare = name.removeprefix(PREFIX)
            if bare != name and bare in _names():  # it would be passed over, and another database used, say
                raise ValueError(f"config= names {name}; write {bare}")
        values: dict[str, Any] = {
            name.removeprefix(PREFIX): value
            for name, value in os.environ.items()
            if name.startswith(PREFIX) and value and name != APP
        }
        values |= given
        testing = values.get("TESTING")
        known: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            if field.metadata:
                name, default, read = field.metadata["setting"]
                known[field.name] = read(name, values.pop(name, default))
        for slip in slips(values):
            raise ValueError(slip)
        known |= {
            "database_url": known["database_url"] or _default_database(instance),
            "flows": modules("FLOWS", _own_flows() if known["flows"] is None else known["flows"]),
            "storage": known["storage"] or _default_storage(instance, testing),
            "throttle": not testing if known["throttle"] is None else switch("THROTTLE", known["throttle"]),
            "calendar": calendar(values),
            "open_id": read_open_id(values),
            "ldap": read_ldap(values),
            "trusted_header": read_trusted_header(values, known["trusted_proxies"]),
        }
        values |= mail(values)
        values.setdefault("SESSION_COOKIE_NAME", cookie_name(known["base_url"]))
        if "SECRET_KEY_FALLBACKS" in values:
            values["SECRET_KEY_FALLBACKS"] = list(
                names("SECRET_KEY_FALLBACKS", values["SECRET_KEY_FALLBACKS"])
            )
        if "MAX_CONTENT_LENGTH" in values:
            values["MAX_CONTENT_LENGTH"] = size("MAX_CONTENT_LENGTH", values["MAX_CONTENT_LENGTH"])
        if not (testing or values.get("DEBUG") or get_debug_flag()):
            refuse_samples(known)
        if known["secret_key"] is None:
            known["secret_key"] = secrets.token_hex(32) if testing else kept_secret(instance)
        return cls(**known, flask=values)


#: settings that other functions read
_ELSEWHERE = frozenset(
    """
    CALENDAR HOLIDAYS WORKING_HOURS TIMEZONE LOGIN_URL CELERY_BROKER_URL WORKER_METRICS
    SECRET_KEY_FALLBACKS MAX_CONTENT_LENGTH SESSION_COOKIE_NAME TEST_DATABASE_URL MAIL_SERVER
    MAIL_PORT MAIL_USERNAME MAIL_PASSWORD MAIL_USE_TLS MAIL_USE_SSL MAIL_REPLY_TO
    MAIL_DEFAULT_SENDER MAIL_IMAP_SERVER OIDC_ISSUER OIDC_CLIENT_ID OIDC_CLIENT_SECRET LDAP_URL
    LDAP_BASE REMOTE_USER_HEADER REMOTE_PROXIES
    """.split()
)


def _names() -> set[str]:
    """The names of all settings, without their prefix."""
    return {each.metadata["setting"][0] for each in dataclasses.fields(Config) if each.metadata} | _ELSEWHERE


def slips(values: Iterable[str]) -> Iterator[str]:
    """What is wrong with names that are nearly those of a setting: unread, they would leave it at its default."""
    known = _names()
    for name in values:
        close = None if name in known or name in Flask.default_config else near(name, known, closeness=0.9)
        if close is not None:
            yield f"{PREFIX}{name} is no setting; did you mean {PREFIX}{close}?"


def cookie_name(base_url: str) -> str:
    """Browsers keep cookies by the host alone: what sits on another port or path of it has another name for its own."""
    parts = urlsplit(base_url)
    port = parts.port if base_url != BASE_URL and parts.port not in (80, 443) else None
    where = "_".join(re.findall(r"[A-Za-z0-9]+", f"{port or ''}/{parts.path}"))
    return f"portal_session_{where}" if where else "portal_session"


def _own_flows() -> tuple[str, ...]:
    """The package or module `flows`: of the site's folder, or where Python finds one.

    The examples of this project are not taken for a site's: an editable install has them on the path everywhere.
    """
    site = folders.site()
    if (site / "flows").is_dir() or (site / "flows.py").is_file():
        return ("flows",)
    found = importlib.util.find_spec("flows")
    if found is None:
        return ()
    places = [Path(each).resolve() for each in found.submodule_search_locations or ()]
    return () if folders.EXAMPLES_IN_CHECKOUT.resolve() in places else ("flows",)


def _default_database(instance: Path) -> str:
    private.make_folder(instance)
    return f"sqlite:///{instance / 'portal.sqlite'}"


def _default_storage(instance: Path, testing: Any) -> str:
    """A folder of the instance, or the memory of this process for an application under test."""
    return f"memory://{secrets.token_hex(8)}" if testing else str(instance / "files")
