"""The schema: made in an empty database, brought up to date in an older one.

The portal's own tables have their revisions in `portal/migrations`, and their number in the table `portal_version`. The
tables of flows are the author's: new ones are made as they are declared, and what changes in them is a revision in
the folder of Flask-Migrate (`alembic_version`), which is brought up to date here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.errors import PortalError
from portal.flow.registry import registry

from . import (  # noqa: F401  every table, ahead of CORE
    absence,
    bulk_undo,
    comment,
    declaration,
    draft,
    event,
    external_identity,
    helper,
    message,
    notice,
    outgoing,
    received_mail,
    second_factor,
    sign_in,
    start_key,
    stored_file,
    turn,
    worker,
)
from .base import Base, db, host_db
from .registries import demand_objects, mappers

#: the portal's own tables; what is declared later is the flows'
CORE = frozenset(Base.metadata.tables)
REVISIONS = Path(__file__).parents[1] / "migrations"
#: tables that a database had before there were revisions
FORMER = frozenset(("user_account", "user_role", "process", "task", "task_link", "event"))
VERSION, FLOWS_VERSION = "portal_version", "alembic_version"
#: the schema of databases that were made before there were revisions
FIRST = "0001"
#: how a fault of columns begins
COLUMNS = "missing columns"
#: what is done about columns that a flow's table lacks
COLUMNS_MEND = "`portal db migrate` writes them as a revision, and `portal init-db` makes them"
#: so many missing tables are named
_NAMED = 3
#: the key of the advisory lock that makes one machine wait for the other
LOCK = 7025178401


def init_db() -> None:
    """Make the schema, or bring an older one up to date; the flows' own tables among it.

    May be repeated, and run from several machines at once: it is one transaction, and one waits for the other. The
    permissions of the flows are read from their declarations and need no rows.

    Raises:
        PortalError: the database is that of a newer portal.
    """
    host = host_db()
    if host is not None:
        demand_objects(host.metadata, host.Model.registry)  # type: ignore[attr-defined]
    with db.engine.connect() as connection:
        if _is_ready(connection):
            return
    with _alone() as connection:
        there = _tables(connection)
        if VERSION not in there and not there >= FORMER:
            _make(connection)
            _stamp(connection, VERSION, core_heads())
            _stamp(connection, FLOWS_VERSION, flow_heads())
            return
        if VERSION not in there:
            _stamp(connection, VERSION, (FIRST,))
        _upgrade(connection, VERSION, REVISIONS / "versions")
        made = _of_revisions() if flow_heads() else frozenset()
        _make(connection, but=made)  # ahead of revisions, which may speak of them
        if flow_heads():
            _upgrade(connection, FLOWS_VERSION, _flow_revisions())
            _make(connection)


def _make(connection: Connection, but: frozenset[str] = frozenset()) -> None:
    """Make the tables that are not there yet, as they are declared."""
    there = _tables(connection) | but
    missing = [table for table in _possible(there) if table.name not in there]
    if missing:  # with a look for what is there: a table that is older may have brought the type of an Enum
        Base.metadata.create_all(connection, tables=missing)


def ours() -> dict[str, Table]:
    """The tables that `init_db` makes, by name: the portal's own, and those that the application's flows declare.

    What other applications of this process declare is among them where the application has no database handle of its
    own: there every model is on `portal.models.db`. Only what points at such an application's tables is not.
    """
    declared = Base.metadata.tables
    if host_db() is None:
        return {
            name: table
            for name, table in declared.items()
            if all(key.column.table.metadata is Base.metadata for key in table.foreign_keys)
        }
    flows = registry.values()
    modules = {
        each.__module__
        for flow in flows
        for each in (flow, flow.definition.process_class)
        if each is not None
    }
    found = {name: declared[name] for name in declared if name in CORE}
    for mapper in mappers():
        used = mapper.class_.__module__ in modules or mapper.class_ in _process_classes(flows)
        if used and mapper.class_.metadata is Base.metadata:
            found |= {table.name: table for table in mapper.tables if isinstance(table, Table)}
            found |= {
                each.secondary.name: each.secondary
                for each in mapper.relationships
                if isinstance(each.secondary, Table)
            }
    return {name: table for name, table in found.items() if declared.get(name) is table}


def _process_classes(flows: Iterable[Any]) -> set[type]:
    return {flow.definition.process_class for flow in flows}


def _possible(there: Set[str]) -> list[Table]:
    """Our tables that can be made now: without those that point at a table of the application which is not there yet.

    Its tables may point at ours, too, so that neither can be the first: whoever says `init_db` again has the rest.
    """
    found = ours()
    return [
        table
        for table in Base.metadata.sorted_tables
        if found.get(table.name) is table
        and all(
            key.column.table.metadata is Base.metadata or key.column.table.name in there
            for key in table.foreign_keys
        )
    ]


def _of_revisions() -> frozenset[str]:
    """The author's tables that revisions make or rename."""
    made = re.compile(r"""(?:create_table\(|rename_table\([^,]+,)\s*['"](\w+)['"]""")
    return frozenset(
        name for path in _flow_revisions().glob("*.py") for name in made.findall(path.read_text("utf-8"))
    )


def schema_fault(session: Session) -> str | None:
    """What the database lacks of the schema that this code expects. None if it is all there."""
    connection = session.connection()
    there = _tables(connection)
    missing = sorted(ours().keys() - there)
    if missing:
        more = f" and {len(missing) - _NAMED} more tables" if len(missing) > _NAMED else ""
        return f"missing: {', '.join(missing[:_NAMED])}{more}; portal init-db makes them"
    try:
        ready = _is_ready(connection)
    except PortalError as error:
        return str(error)
    if not ready:
        return "it is of an older portal; portal init-db brings it up to date"
    return column_fault(connection)


def column_fault(connection: Connection) -> str | None:
    """Which columns the tables that are there lack, with the mend. None if they have all that are declared."""
    lacking = ", ".join(f"{table}.{column}" for table, column in _lacking(connection))
    return f"{COLUMNS}: {lacking}; {COLUMNS_MEND}" if lacking else None


def _lacking(connection: Connection) -> Iterator[tuple[str, str]]:
    inspector = inspect(connection)
    wanted = {name: table for name, table in ours().items() if table.schema is None}
    there = inspector.get_multi_columns(filter_names=list(wanted))
    for (_schema, name), columns in sorted(there.items(), key=lambda item: item[0][1]):
        names = {column["name"] for column in columns}
        yield from ((name, c.name) for c in wanted[name].columns if c.name not in names)


def gaps() -> list[str]:
    """What flows' own tables lack of the columns that are declared, a line each."""
    with db.engine.connect() as connection:
        there = _tables(connection)
        waiting = [
            f"the table {name} waits for a table of the application that it points at: make that, then repeat this"
            for name in sorted(ours().keys() - there)
        ]
        return waiting + [
            f"the table {table} lacks the column {column}"
            for table, column in _lacking(connection)
            if table not in CORE
        ]


def is_of_flows(_item: Any, name: str | None, kind: str, *_rest: Any) -> bool:
    """For Alembic: whether a table is an author's, so that their revisions are about these alone."""
    return kind != "table" or (name not in CORE and name not in (VERSION, FLOWS_VERSION))


def is_not_ours(_item: Any, name: str | None, kind: str, *_rest: Any) -> bool:
    """For Alembic in an application around the portal: whether a table is not one that `init_db` makes."""
    return kind != "table" or (name not in Base.metadata.tables and name != VERSION)


@lru_cache
def core_heads() -> tuple[str, ...]:
    """The newest revisions of the portal's own tables, read without Alembic: a server asks for them, too."""
    texts = [path.read_text("utf-8") for path in (REVISIONS / "versions").glob("*.py")]
    named = {name for text in texts for name in re.findall(r'^revision = "(\w+)"', text, re.MULTILINE)}
    before = {name for text in texts for name in re.findall(r'^down_revision = "(\w+)"', text, re.MULTILINE)}
    return tuple(sorted(named - before))


def flow_heads() -> tuple[str, ...]:
    """The newest revisions of the author's own tables; none where there are no revisions, or they are the affair of the
    application around the portal."""
    if "portal_revisions" not in current_app.extensions:
        return ()
    folder = _flow_revisions()
    if not any(folder.glob("*.py")):
        return ()
    from alembic.script import ScriptDirectory

    return tuple(sorted(ScriptDirectory(str(REVISIONS), version_locations=[str(folder)]).get_heads()))


def _flow_revisions() -> Path:
    return Path(current_app.extensions["portal_revisions"].directory).absolute() / "versions"


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _is_ready(connection: Connection) -> bool:
    there = _tables(connection)
    if VERSION not in there or not ours().keys() <= there:
        return False
    flows = flow_heads()
    if flows and FLOWS_VERSION not in there:
        return False
    return _version(connection, VERSION) == core_heads() and (
        not flows or _version(connection, FLOWS_VERSION) == flows
    )


def _version(connection: Connection, table: str) -> tuple[str, ...]:
    return tuple(sorted(connection.scalars(text(f"SELECT version_num FROM {table}"))))


def _stamp(connection: Connection, table: str, revisions: tuple[str, ...]) -> None:
    if not revisions:
        return
    connection.execute(
        text(f"CREATE TABLE IF NOT EXISTS {table} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    )
    connection.execute(text(f"DELETE FROM {table}"))
    connection.execute(
        text(f"INSERT INTO {table} (version_num) VALUES (:revision)"), [{"revision": r} for r in revisions]
    )


def _upgrade(connection: Connection, table: str, versions: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection, "version_table": table})
    config.set_main_option("script_location", str(REVISIONS).replace("%", "%%"))
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    try:
        command.upgrade(config, "heads")
    except CommandError as error:
        raise PortalError(
            f"the database ({table}: {', '.join(_version(connection, table))}) is newer than this code, or of another: "
            f"install the portal that made it ({error})"
        ) from error
    except DBAPIError as error:
        raise PortalError(
            f"a revision cannot be made, and nothing was changed: {error.orig} ({error.statement})"
        ) from error


@contextmanager
def _alone() -> Iterator[Connection]:
    """A transaction that nobody else's `init_db` runs beside, and that waits as long as it takes."""
    with db.engine.connect().execution_options(writes=True) as connection:
        sqlite = connection.dialect.name == "sqlite"
        usual = connection.connection.cursor().execute("PRAGMA foreign_keys").fetchone()[0] if sqlite else 0
        if sqlite:  # a table that is copied and dropped must not take the rows that point at it along
            _pragma(connection, "foreign_keys=OFF")
        try:
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SET LOCAL lock_timeout = 0"))
                    connection.execute(text("SET LOCAL statement_timeout = 0"))
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
                yield connection
        finally:
            if sqlite:
                _pragma(connection, f"foreign_keys={usual}")


def _pragma(connection: Connection, setting: str) -> None:
    connection.connection.cursor().execute(
        f"PRAGMA {setting}"
    )  # past the transaction, in which it does nothing
