"""An older database is brought up to date with what is in it, and what migrations make is what is declared."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Enum, Integer, NullPool, String, Table, create_engine, inspect, select, text
from sqlalchemy.orm import Mapped, mapped_column

from portal import create_app, flow, this
from portal.engine import actions
from portal.engine.queue import timers
from portal.errors import PortalError
from portal.models import (
    Process,
    Task,
    create_user,
    db,
    find_user,
    gaps,
    init_db,
    is_of_flows,
    schema,
    schema_fault,
)
from tests.audit import faults

ROOT = Path(__file__).parents[2]
VERSIONS = sorted((ROOT / "portal" / "migrations" / "versions").glob("0*.py"))
NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


class OldFlow(flow.Flow):
    start = flow.StartHandle().Next(this.approve)
    approve = flow.ManualTask().Next(this.wait)
    wait = flow.Timer(dt.timedelta(hours=1)).Next(this.end)
    end = flow.End()


@pytest.fixture
def old(register, session):
    """The database as it was before there were revisions, with a process in it that waits."""
    register(OldFlow)
    session.close()
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        cascade = "" if connection.dialect.name == "sqlite" else " CASCADE"
        for name in inspect(connection).get_table_names():  # other tests have had tables of their own
            connection.execute(text(f'DROP TABLE "{name}"{cascade}'))
        connection.commit()
    with schema._alone() as connection:
        from alembic import command
        from alembic.config import Config

        config = Config(attributes={"connection": connection, "version_table": schema.VERSION})
        config.set_main_option("script_location", str(schema.REVISIONS))
        command.upgrade(config, schema.FIRST)
        connection.execute(text(f"DROP TABLE {schema.VERSION}"))
        for statement in ROWS:
            connection.execute(text(statement), {"now": NOW.replace(tzinfo=None), "yes": True, "no": False})
    yield
    session.close()
    db.drop_all()
    with db.engine.begin() as connection:
        connection.execute(text(f"DROP TABLE IF EXISTS {schema.VERSION}"))


#: what the code of that time wrote for a process whose second task is alice's, and a signal on its way to nobody
ROWS = (
    "INSERT INTO user_account (id, username, full_name, session_key, is_active, is_superuser, permissions, "
    "preferences, created) VALUES (1, 'alice', '', 'x', :yes, :yes, '[]', '{}', :now)",
    "INSERT INTO process (id, flow_label, process_type, status, created, data, depth, task_count, ended, on_hold, "
    "created_by_id) VALUES (1, 'old', 'process', 'NEW', :now, '{\"kept\": 1}', 0, 2, :no, :no, 1)",
    "INSERT INTO task (id, number, process_id, flow_task, flow_task_type, status, token, created, started, finished, "
    "priority, data, attempt) VALUES (1, 1, 1, 'start', 'StartHandle', 'DONE', 'start', :now, :now, :now, 0, '{}', 0)",
    "INSERT INTO task (id, number, process_id, flow_task, flow_task_type, status, token, created, assigned, owner_id, "
    "priority, data, attempt) "
    "VALUES (2, 2, 1, 'approve', 'ManualTask', 'ASSIGNED', 'start', :now, :now, 1, 0, '{}', 0)",
    "INSERT INTO task_link (task_id, previous_id) VALUES (2, 1)",
    "INSERT INTO delivery (id, task_id, created) VALUES (1, 2, :now)",
    "INSERT INTO event (created, process_id, action, to_state, detail) VALUES (:now, 1, 'start', 'NEW', '{}')",
    "INSERT INTO event (created, process_id, task_id, action, to_state, detail) "
    "VALUES (:now, 1, 1, 'start', 'DONE', '{}')",
    "INSERT INTO event (created, process_id, task_id, action, to_state, detail) "
    "VALUES (:now, 1, 2, 'step', 'NEW', '{}')",
    "INSERT INTO event (created, user_id, process_id, task_id, action, from_state, to_state, detail) "
    "VALUES (:now, 1, 1, 2, 'assign', 'NEW', 'ASSIGNED', '{\"to\": \"alice\"}')",
)  # fmt: skip


def differences(engine):
    """Between the portal's own tables there and as they are declared."""
    with engine.connect() as connection:
        options = {
            "compare_type": True,
            # what flows declare, in whichever test, is not the portal's
            "include_object": lambda _, name, kind, *__: kind != "table" or name in schema.CORE,
        }
        context = MigrationContext.configure(connection, opts=options)
        with warnings.catch_warnings():  # that an index of an expression cannot be compared on SQLite
            warnings.filterwarnings("ignore", "autogenerate skipping")
            return compare_metadata(context, db.metadata)


@pytest.mark.usefixtures("old")
def test_an_old_database_goes_on_where_it_was(session):
    if db.engine.dialect.name == "postgresql":  # whose rows were numbered by the database
        for name in ("user_account", "process", "task", "delivery"):
            session.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 10)"))
        session.commit()
    assert "missing" in schema_fault(session)
    session.rollback()
    init_db()
    init_db()
    assert schema_fault(session) is None
    assert session.scalar(text("SELECT count(*) FROM portal_delivery WHERE scheduled = created")) == 1
    session.execute(text("DELETE FROM portal_delivery"))
    session.commit()
    with actions.activation(session, 2, 1) as activation:
        activation.execute()
    waiting = session.scalars(select(Task).where(Task.flow_task == "wait")).one()
    waiting.scheduled = NOW
    session.commit()
    assert timers.fire(session, waiting.id)
    process = session.get_one(Process, 1)
    assert (process.status, process.data) == ("DONE", {"kept": 1})
    assert faults(session) == []


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")  # of tables that other tests declare
@pytest.mark.usefixtures("old")
def test_migrations_make_what_is_declared():
    init_db()
    assert differences(db.engine) == []


@pytest.fixture
def made(database_url, tmp_path):
    """The portal's own tables in full, as another machine makes them in an empty database."""
    emptied(database_url)
    init_at_once(tmp_path, database_url)
    return shape(database_url)


@pytest.mark.slow
def test_machines_that_upgrade_a_database_at_once_make_it_the_same_as_a_new_one(
    made, old, database_url, tmp_path
):
    init_at_once(tmp_path, database_url)
    assert shape(database_url) == made
    assert db.session.scalar(text("SELECT data FROM portal_process")) in ({"kept": 1}, '{"kept": 1}')


def shape(url):
    """Columns with their types and defaults, constraints and indexes, as the database itself tells them."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return {
            f"{name}: {line}"
            for name in schema.CORE
            for line in SHAPES[engine.dialect.name](connection, name)
        }


def _sqlite_shape(connection, name):
    for column in connection.exec_driver_sql(f"PRAGMA table_xinfo({name})"):
        yield f"column {column[1:]}"
    for key in connection.exec_driver_sql(f"PRAGMA foreign_key_list({name})"):
        yield f"foreign key {key[2:]}"
    for index in connection.exec_driver_sql(f"PRAGMA index_list({name})").all():
        columns = [row[2] for row in connection.exec_driver_sql(f"PRAGMA index_info({index[1]})")]
        where = connection.scalar(
            text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": index[1]}
        )
        own = index[1] if where else "constraint"
        yield f"index {own} {index[2:]} {columns} {(where or '').partition(' WHERE ')[2]}"


def _postgresql_shape(connection, name):
    columns = (
        "SELECT column_name, udt_name, character_maximum_length, is_nullable, column_default, is_identity"
    )
    columns += " FROM information_schema.columns WHERE table_name = :name"
    constraints = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass(:name)"
    )
    indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = :name"
    for statement in (columns, constraints, indexes):
        for row in connection.execute(text(statement), {"name": name}):
            yield str(tuple(row))


SHAPES = {"sqlite": _sqlite_shape, "postgresql": _postgresql_shape}


def test_a_database_of_a_newer_portal_is_refused(app, session):
    with db.engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION} SET version_num = '9999'"))
    with pytest.raises(PortalError, match=r"9999.*newer"):
        init_db()
    with db.engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {schema.VERSION}"))
        connection.execute(text(f"INSERT INTO {schema.VERSION} VALUES ('{schema.core_heads()[0]}')"))


def portal(folder, *arguments, url):
    """The command in a process of its own, as on another machine."""
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows" / "__init__.py").touch()
    environment = {**os.environ, "PORTAL_DATABASE_URL": url, "PORTAL_FLOWS": "flows", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "portal", *arguments],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def emptied(url):
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    else:
        for ending in ("", "-wal", "-shm"):
            Path(f"{engine.url.database}{ending}").unlink(missing_ok=True)


def init_at_once(folder, url):
    machines = [portal(folder, "init-db", url=url) for _ in range(4)]
    said = [each.communicate(timeout=300)[0] for each in machines]
    assert [each.returncode for each in machines] == [0, 0, 0, 0], said


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")  # of tables that other tests declare
@pytest.mark.slow
def test_machines_that_make_the_schema_at_once(made, database_url):
    assert differences(create_engine(database_url, poolclass=NullPool)) == []


@pytest.fixture
def own_table(app):
    """A table that an author declares, in the database without a column that the code has gained."""

    class Invoice(db.Model):
        __tablename__ = "gained_invoice"
        id: Mapped[int] = mapped_column(Integer, primary_key=True)
        name: Mapped[str] = mapped_column(String(50))
        total: Mapped[int | None]

    with db.engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS gained_invoice"))
        connection.execute(
            text("CREATE TABLE gained_invoice (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL)")
        )
    yield
    with db.engine.begin() as connection:
        connection.execute(text("DROP TABLE gained_invoice"))
    db.metadata.remove(Invoice.__table__)
    db.Model.registry._dispose_cls(Invoice)


@pytest.mark.usefixtures("own_table")
def test_a_column_that_a_flows_table_lacks_is_told(app):
    init_db()
    assert gaps() == ["the table gained_invoice lacks the column total"]
    result = app.test_cli_runner().invoke(args=["init-db"])
    assert result.exit_code == 1
    assert "portal db migrate" in result.output


def test_revisions_of_an_author_are_about_their_tables_alone():
    assert not is_of_flows(None, "portal_task", "table", True, None)
    assert not is_of_flows(None, schema.VERSION, "table", True, None)
    assert is_of_flows(None, "invoice", "table", True, None)


def test_tables_that_come_one_after_the_other_may_share_a_type(app):
    shades = Enum("light", "dark", name="shades_of_two_tables")
    made = []
    try:
        for name in ("first_with_shades", "second_with_shades"):
            made.append(
                Table(name, db.metadata, Column("id", Integer, primary_key=True), Column("shade", shades))
            )
            init_db()
        assert {table.name for table in made} <= set(inspect(db.engine).get_table_names())
    finally:
        db.session.remove()
        with db.engine.begin() as connection:
            for table in made:
                connection.execute(text(f"DROP TABLE {table.name}"))
                db.metadata.remove(table)
            shades.drop(connection, checkfirst=True)


@pytest.mark.usefixtures("old")
def test_people_whose_names_have_become_the_same_are_told_of_and_keep_their_own(session, caplog):
    session.execute(
        text(
            "INSERT INTO user_account (id, username, full_name, session_key, is_active, is_superuser, permissions, "
            "preferences, created) VALUES (2, 'Alice', '', 'x', :yes, :no, '[]', '{}', :now)"
        ),
        {"now": NOW.replace(tzinfo=None), "yes": True, "no": False},
    )
    session.commit()
    init_db()
    assert "'alice' (id 1) and 'Alice' (id 2) are the same or look alike" in caplog.text
    found = [find_user(session, name).id for name in ("alice", "Alice", "ALICE")]
    assert found == [1, 2, 1]
    with pytest.raises(PortalError, match="there is a user 'alice' already"):
        create_user("aLiCe")


@pytest.mark.usefixtures("own_table")
def test_a_server_that_starts_says_which_columns_are_lacking(app, caplog):
    init_db()
    settings = {"DATABASE_URL": db.engine.url.render_as_string(hide_password=False), "FLOWS": []}
    create_app({**settings, "SCHEDULER": "off", "SECRET_KEY": "a secret of this test"})
    said = [record.getMessage() for record in caplog.records if "gained_invoice.total" in record.getMessage()]
    assert len(said) == 1
    assert "\n" not in said[0]


def test_a_server_that_starts_makes_no_database(tmp_path, caplog):
    file = tmp_path / "portal.sqlite"
    create_app(
        {"DATABASE_URL": f"sqlite:///{file}", "FLOWS": [], "SCHEDULER": "off", "SECRET_KEY": "a secret"}
    )
    assert not file.exists()
    assert caplog.records == []
