"""What the environment and the caller say, as one frozen value."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.util
import os
import re
import secrets
import tempfile
import zoneinfo
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask.helpers import get_debug_flag

from portal import folders, private
from portal.flow.notices import url_faults
from portal.flow.retention import Retention
from portal.flow.retention import parse as parse_retention
from portal.office_holidays import office_holidays
from portal.sign_in_settings import Ldap, OpenId, TrustedHeader, read_ldap, read_open_id, read_trusted_header
from portal.working_time import OFFICE_HOURS, WorkingCalendar, parse_holidays, parse_hours

PREFIX = "PORTAL_"
#: names the application that Celery serves, as `flask --app` does; no setting of it
APP = "PORTAL_APP"
BASE_URL = "http://127.0.0.1:5000"
#: the longest span that a setting may say: ten years
LONGEST = 10 * 366 * 86_400
#: secrets of example files, in letters and digits alone
SAMPLES = frozenset(("changeme", "changethis", "replaceme"))
#: a kept key that is shorter was cut off by a crash
SHORTEST_SECRET = 32


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of section 9 of the contract; everything else is Flask's."""

    database_url: str
    #: how many connections a process keeps open; as many again are opened while it is busy
    database_pool: int
    #: seconds that a statement may wait for a lock, and may take
    lock_timeout: float
    statement_timeout: float
    secret_key: str
    flows: tuple[str, ...]
    executor: str
    #: seconds until a message that no Celery worker has followed is sent again
    celery_patience: float
    #: where the messages to Celery go; two portals that share a broker need two
    celery_queue: str
    scheduler: bool
    #: seconds that a worker which is told to stop may take for what it has begun
    grace: float
    base_url: str
    max_depth: int
    #: where the bytes of files are: a folder, or an address that fsspec knows
    storage: str
    #: how long a try of a job may take whose node says nothing of it
    job_timeout: dt.timedelta
    #: in which working time is counted
    calendar: WorkingCalendar
    #: addresses that are called for every flow, and what signs the calls; without a secret they are only shown
    webhooks: tuple[str, ...]
    webhook_secret: str
    #: rules of retention that take the place of the flows' own, by their labels
    retention: Mapping[str, tuple[Retention, ...]]
    log: str | None
    metrics_token: str | None
    trusted_proxies: int
    #: how often a minute a token may be used; 0 for any number
    api_rate: int
    #: whether wrong passwords slow down who sends them
    throttle: bool
    #: characters that a password has at least which somebody chooses on a page
    password_length: int
    #: who signs in by two factors: who wants to, also every administrator, or all
    two_factors: str
    #: by whom people may be known elsewhere
    open_id: OpenId | None
    ldap: Ldap | None
    trusted_header: TrustedHeader | None
    #: how long a session may lie idle, and may last at all
    session_idle: dt.timedelta
    session_lifetime: dt.timedelta
    #: Flask's own settings, passed on
    flask: dict[str, Any]

    @classmethod
    def read(cls, given: Mapping[str, Any] | None, instance: Path) -> Config:
        """Read the environment, overridden by a mapping with the same names without the prefix.

        Args:
            given: `{"DATABASE_URL": …, "FLOWS": [...], "TESTING": True}`.
            instance: the folder for the SQLite file and the secret key when nothing else is said.
        """
        values: dict[str, Any] = {
            name.removeprefix(PREFIX): value
            for name, value in os.environ.items()
            if name.startswith(PREFIX) and value and name != APP
        }
        values |= given or {}
        known = {
            "database_url": str(values.pop("DATABASE_URL", "") or _default_database(instance)),
            "database_pool": _number("DATABASE_POOL", values.pop("DATABASE_POOL", 10)),
            "lock_timeout": _seconds("DATABASE_LOCK_TIMEOUT", values.pop("DATABASE_LOCK_TIMEOUT", 5)),
            "statement_timeout": _seconds(
                "DATABASE_STATEMENT_TIMEOUT", values.pop("DATABASE_STATEMENT_TIMEOUT", 60)
            ),
            "secret_key": values.pop("SECRET_KEY", None),
            "flows": _names(values.pop("FLOWS", _own_flows())),
            "celery_patience": _seconds("CELERY_PATIENCE", values.pop("CELERY_PATIENCE", 120)),
            "celery_queue": str(values.pop("CELERY_QUEUE", "portal")),
            "executor": _one_of("EXECUTOR", values.pop("EXECUTOR", "local"), ("local", "celery")),
            "scheduler": _switch("SCHEDULER", values.pop("SCHEDULER", "on")),
            "grace": _seconds("GRACE", values.pop("GRACE", 30)),
            "base_url": str(values.pop("BASE_URL", BASE_URL)).rstrip("/"),
            "log": values.pop("LOG", None),
            "metrics_token": values.pop("METRICS_TOKEN", None),
            "trusted_proxies": _number("TRUSTED_PROXIES", values.pop("TRUSTED_PROXIES", 0)),
            "api_rate": _number("API_RATE", values.pop("API_RATE", 600)),
            "throttle": _switch("THROTTLE", values.pop("THROTTLE", not values.get("TESTING"))),
            "password_length": _number("PASSWORD_LENGTH", values.pop("PASSWORD_LENGTH", 12)),
            "two_factors": _one_of(
                "TWO_FACTORS", values.pop("TWO_FACTORS", "optional"), ("optional", "admins", "all")
            ),
            "session_idle": _span("SESSION_IDLE", values.pop("SESSION_IDLE", 7 * 86_400)),
            "session_lifetime": _span("SESSION_LIFETIME", values.pop("SESSION_LIFETIME", 30 * 86_400)),
            "job_timeout": _span("JOB_TIMEOUT", values.pop("JOB_TIMEOUT", 3600)),
            "storage": str(values.pop("STORAGE", "") or _default_storage(instance, values)),
            "max_depth": _number("MAX_DEPTH", values.pop("MAX_DEPTH", 50)),
            "calendar": _calendar(
                str(values.pop("CALENDAR", "")),
                str(values.pop("WORKING_HOURS", OFFICE_HOURS)),
                str(values.pop("TIMEZONE", "UTC")),
                str(values.pop("HOLIDAYS", "")),
            ),
            "webhooks": _addresses(values.pop("WEBHOOKS", ())),
            "retention": _retention(str(values.pop("RETENTION", ""))),
            "webhook_secret": str(values.pop("WEBHOOK_SECRET", "")),
        }
        known |= {
            "open_id": read_open_id(values),
            "ldap": read_ldap(values),
            "trusted_header": read_trusted_header(values, known["trusted_proxies"]),
        }
        values |= _mail(values)
        values.setdefault("SESSION_COOKIE_NAME", cookie_name(known["base_url"]))
        if "SECRET_KEY_FALLBACKS" in values:
            values["SECRET_KEY_FALLBACKS"] = list(_names(values["SECRET_KEY_FALLBACKS"]))
        if "MAX_CONTENT_LENGTH" in values:
            values["MAX_CONTENT_LENGTH"] = _size("MAX_CONTENT_LENGTH", values["MAX_CONTENT_LENGTH"])
        if not (values.get("TESTING") or values.get("DEBUG") or get_debug_flag()):
            _refuse_samples(known)
        if known["secret_key"] is None:
            known["secret_key"] = secrets.token_hex(32) if values.get("TESTING") else _kept_secret(instance)
        return cls(**known, flask=values)


def cookie_name(base_url: str) -> str:
    """Browsers keep cookies by the host alone: what sits on another port or path of it has another name for its own."""
    try:
        parts = urlsplit(base_url)
        own = parts.port
    except ValueError as error:
        raise ValueError(f"{PREFIX}BASE_URL is {base_url!r}: {error}") from None
    port = own if base_url != BASE_URL and own not in (80, 443) else None
    where = "_".join(re.findall(r"[A-Za-z0-9]+", f"{port or ''}/{parts.path}"))
    return f"portal_session_{where}" if where else "portal_session"


def _refuse_samples(known: Mapping[str, Any]) -> None:
    """Refuse what the example of the settings says: everybody knows it.

    Raises:
        ValueError: with the setting, and how to make a value.
    """
    for name in ("secret_key", "metrics_token", "webhook_secret"):
        plain = "".join(letter for letter in str(known[name] or "").lower() if letter.isalnum())
        if plain in SAMPLES:
            raise ValueError(
                f"{PREFIX}{name.upper()} is that of the example, which everybody knows: "
                "python3 -c 'import secrets; print(secrets.token_hex(32))' makes one"
            )


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


def _default_storage(instance: Path, values: Mapping[str, Any]) -> str:
    """A folder of the instance, or the memory of this process for an application under test."""
    return f"memory://{secrets.token_hex(8)}" if values.get("TESTING") else str(instance / "files")


def _kept_secret(instance: Path) -> str:
    """The key of this installation: made once, however many processes ask for it first, and its owner's alone.

    Raises:
        ValueError: what is kept is no whole key, or nothing can be kept there.
    """
    path = instance / "secret_key"
    try:
        private.make_folder(instance)
        if not path.exists():
            _keep_secret(path)
        private.tighten(path)
        key = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"the secret key cannot be kept in {path}: {error}; set {PREFIX}SECRET_KEY"
        ) from error
    if len(key) < SHORTEST_SECRET:
        raise ValueError(
            f"{path} holds no whole secret key: remove it, and a new one is made (everybody signs in again)"
        )
    return key


def _keep_secret(path: Path) -> None:
    """Write a key whole and under its name at once, unless another process was faster."""
    descriptor, name = tempfile.mkstemp(prefix=".secret_key-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)


def _names(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name.strip() for name in names if name.strip())


def _addresses(value: Any) -> tuple[str, ...]:
    urls = _names(value)
    for url in urls:
        for fault in url_faults(url):
            raise ValueError(f"{PREFIX}WEBHOOKS: {fault}")
    return urls


def _mail(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of Flask-Mailman, which takes them as numbers and truths."""
    read: dict[str, Any] = {"MAIL_TIMEOUT": 10}
    for name in ("MAIL_PORT", "MAIL_TIMEOUT"):
        if name in values:
            read[name] = _number(name, values[name])
    for name in ("MAIL_USE_TLS", "MAIL_USE_SSL"):
        if name in values:
            read[name] = _switch(name, values[name])
    return read


def _number(name: str, value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"{PREFIX}{name} is {value!r}; it is a number") from None


def _size(name: str, value: Any) -> int:
    """A number of bytes, or a text such as `32 MB`."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(k|m|g|)(?:i?b)?\s*", str(value), re.IGNORECASE)
    if found is None or not float(found[1]):
        raise ValueError(f"{PREFIX}{name} is {value!r}; it is a size such as 32 MB")
    return int(float(found[1]) * 1024 ** ["", "k", "m", "g"].index(found[2].lower()))


def _seconds(name: str, value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{PREFIX}{name} is {value!r}; it is a number of seconds") from None


def _span(name: str, value: Any) -> dt.timedelta:
    seconds = _seconds(name, value)
    if not 0 < seconds <= LONGEST:  # nor is it "nan"
        raise ValueError(f"{PREFIX}{name} is {value!r}; it is a number of seconds above 0, ten years at most")
    return dt.timedelta(seconds=seconds)


def _calendar(place: str, hours: str, timezone: str, own: str) -> WorkingCalendar:
    """The calendar of the office: the holidays of a place as the library `holidays` names it, and its own."""
    try:
        zone = zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{PREFIX}TIMEZONE is {timezone!r}; it is a zone such as Europe/Zurich") from None
    try:
        week = parse_hours(hours)
    except ValueError as error:
        raise ValueError(f"{PREFIX}WORKING_HOURS: {error}") from None
    try:
        days = parse_holidays(own)
    except ValueError as error:
        raise ValueError(f"{PREFIX}HOLIDAYS: {error}") from None
    try:
        return WorkingCalendar(week, zone, *office_holidays(place, days))
    except ValueError as error:
        raise ValueError(f"{PREFIX}CALENDAR is {place!r}: {error}") from None


def _retention(text: str) -> Mapping[str, tuple[Retention, ...]]:
    try:
        return parse_retention(text)
    except ValueError as error:
        raise ValueError(f"{PREFIX}RETENTION: {error}") from None


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{PREFIX}{name} is {value!r}; it can be {' or '.join(known)}")
    return value


def _switch(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    same = {"1": "on", "true": "on", "yes": "on", "0": "off", "false": "off", "no": "off"}
    text = str(value).lower()
    return _one_of(name, same.get(text, text), ("on", "off")) == "on"
