"""What goes to the driver itself: errors, lost connections and those who listen, as with SQLAlchemy."""

from __future__ import annotations

import datetime as dt
import time
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from portal import flow, this
from portal.engine import actions
from portal.engine.retries import give_up, persist
from portal.engine.statements import driver
from portal.models import Event, Process, Task, db, sending, task_link

TWICE = "INSERT INTO portal_role (id, name, permissions) VALUES (1, 'one', '[]'), (1, 'two', '[]')"


class ItemsFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.split)
    split = flow.Split().Next(this.item, task_data_source=lambda activation: activation.process.data["items"])
    item = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def begin(self, activation, items):
        activation.process.data["items"] = items
        return activation.process


@pytest.fixture
def heard(request):
    """Whether somebody listens to statements."""
    if not request.param:
        yield []
        return
    statements: list[str] = []

    def note(_connection, _cursor, sql, *_rest):
        statements.append(sql)

    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


both_ways = pytest.mark.parametrize("heard", [False, True], indirect=True, ids=["unheard", "heard"])


on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def end_all_others(connection):
    """Let the server leave every other connection to this database."""
    others = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    connection.execute(text(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}"))


@both_ways
def test_an_error_is_the_one_that_sqlalchemy_raises(session, heard):
    with pytest.raises(IntegrityError) as error:
        sending.send(session.connection(), TWICE)
    assert error.value.statement == TWICE
    assert not error.value.connection_invalidated
    session.rollback()
    assert sending.fetch(session.connection(), "SELECT 1")[0][0] == 1


@both_ways
@on_postgresql
def test_a_lost_connection_is_told_and_dropped(session, heard):
    connection = session.connection()
    with db.engine.connect() as other:
        end_all_others(other)
    with pytest.raises(OperationalError) as error:
        sending.send(connection, "SELECT 1")
    assert error.value.connection_invalidated
    assert connection.invalidated
    session.rollback()
    assert sending.fetch(session.connection(), "SELECT 1")[0][0] == 1


@on_postgresql
@pytest.mark.parametrize("hours", [0, 1])
def test_a_connection_that_its_server_has_left_is_not_handed_out(session, monkeypatch, hours):
    """One that was heard of a moment ago, and one that was not for an hour."""
    with db.engine.connect() as first:
        with db.engine.connect():
            pass
        end_all_others(first)
    now = time.monotonic() + 3600 * hours
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with db.engine.connect() as first, db.engine.connect() as second:
        assert first.scalar(text("SELECT 1")) == second.scalar(text("SELECT 1")) == 1


@on_postgresql
def test_a_rollback_leaves_the_plans_of_actions(session):
    connection = session.connection()
    sending.fetch(connection, "SELECT 1 AS of_an_action")
    connection.execute(text("SELECT 2 AS of_a_page"))
    server = connection.connection.driver_connection
    session.rollback()
    assert server.info.transaction_status.name == "IDLE"
    kept = [row[0] for row in server.execute("SELECT statement FROM pg_prepared_statements")]
    server.rollback()
    assert "SELECT 1 AS of_an_action" in kept
    assert "SELECT 2 AS of_a_page" not in kept


@on_postgresql
def test_what_is_planned_for_the_values_at_hand_leaves_no_plan(session):
    sending.fetch(session.connection(), "SELECT 1 AS of_a_list", plans=False)
    kept = sending.fetch(session.connection(), "SELECT statement FROM pg_prepared_statements")
    assert not [row for row in kept if "of_a_list" in row[0]]


@on_postgresql
@pytest.mark.parametrize("arguments", [{}, {"prepare_threshold": None}], ids=["default", "none"])
def test_a_driver_that_drops_plans_at_each_rollback_is_asked_for_none(session, arguments):
    """That of an application around the portal, perhaps behind a pool of connections that knows no plans."""
    engine = create_engine(db.engine.url, connect_args=arguments)
    with engine.begin() as connection:
        sending.fetch(connection, "SELECT 1")
        assert sending.fetch(connection, "SELECT count(*) FROM pg_prepared_statements") == [(0,)]
    engine.dispose()


@on_postgresql
def test_what_has_failed_leaves_no_plan_behind(session):
    """The server has planned a statement when it fails, and the driver does not know of the plan."""
    for place in range(3):
        sending.fetch(session.connection(), "SELECT 1")
        with pytest.raises(IntegrityError):
            sending.send(session.connection(), f"{TWICE} -- {place}")
        session.rollback()
    kept = sending.fetch(session.connection(), "SELECT statement FROM pg_prepared_statements")
    assert not [row for row in kept if TWICE in row[0]]


@on_postgresql
def test_a_column_that_changes_its_type_spoils_no_connection(session):
    """A server that would answer something else by a plan than before refuses it, for as long as the plan is kept."""
    read, connections = "SELECT name FROM changing", [db.engine.connect() for _ in range(2)]
    connections[0].execute(text("CREATE TABLE changing (name VARCHAR(10))"))
    connections[0].commit()
    try:
        for connection in connections:
            with connection.begin():
                sending.fetch(connection, read)
        connections[0].execute(text("ALTER TABLE changing ALTER COLUMN name TYPE VARCHAR(20)"))
        connections[0].commit()
        for connection in connections:
            connection.close()
        for _ in range(3):
            assert persist(session, lambda: sending.fetch(session.connection(), read)) == []
            session.rollback()
    finally:
        give_up(session)
        session.execute(text("DROP TABLE changing"))
        session.commit()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_error_while_rows_are_fetched_is_sqlalchemy_s(session):
    """SQLite works out a row when it is fetched."""
    with pytest.raises(OperationalError):
        sending.fetch(session.connection(), "SELECT 'a' UNION ALL SELECT CAST(x'ff' AS TEXT)")


@both_ways
def test_a_connection_that_is_closed_is_told_and_dropped(session, heard):
    connection = session.connection()
    connection.connection.driver_connection.close()
    with pytest.raises(DBAPIError) as error:
        sending.send(connection, "SELECT 1")
    assert error.value.connection_invalidated
    give_up(session)
    assert sending.fetch(session.connection(), "SELECT 1")[0][0] == 1


@on_postgresql
def test_a_rollback_on_a_connection_that_is_dropped_does_nothing(session):
    """Somebody has told the pool so, past SQLAlchemy's connection."""
    session.connection().connection.invalidate()
    session.rollback()
    assert sending.fetch(session.connection(), "SELECT 1")[0][0] == 1


@on_postgresql
def test_a_rollback_on_a_lost_connection_fails_as_sqlalchemy_s(session):
    session.connection()
    with db.engine.connect() as other:
        end_all_others(other)
    give_up(session)
    assert sending.fetch(session.connection(), "SELECT 1")[0][0] == 1


@both_ways
@pytest.mark.parametrize("plans", [True, False])
def test_a_query_reads_as_sqlalchemy_does(flow_tester, session, heard, plans):
    """With lists and moments of its own, and what it is given."""
    flow_tester(ItemsFlow)
    process = ItemsFlow.start.run(items=[{"n": 1}, {"n": 2}])
    tasks = session.scalars(db.select(Task).where(Task.flow_task == "item").order_by(Task.id)).all()
    statement = db.select(Task.id, Task.created, Task.data, Task.status.in_([])).where(
        Task.created.in_([task.created for task in tasks]),
        Task.flow_task.in_(["item", "of another's"]),
        Task.process_id == db.bindparam("process_id"),
        Task.created <= db.bindparam("now", type_=Task.created.type),
        Task.id > db.bindparam("after", type_=Task.id.type),
    )
    query = driver.Query(session.connection().dialect, statement.order_by(Task.id).limit(1), plans)
    values = {"process_id": process.id, "now": dt.datetime.now(dt.UTC)}
    for task, after in ((tasks[0], 0), (tasks[1], tasks[0].id)):
        expected = [task.id, task.created, task.data, False]
        assert query.read(session.connection(), {**values, "after": after}) == [expected]
    assert query.read(session.connection(), {**values, "after": tasks[1].id}) == []


@both_ways
def test_rows_are_written_as_they_were_given(flow_tester, session, make_user, heard):
    flow_tester(ItemsFlow)
    bob = make_user("bob", is_superuser=True).id
    items = [{"n": 1, "text": 'a "b" \\ ’é\U0001f600\n%s', "deep": [{"x": None, "y": 1.5, "z": True}]}, {}]
    process = ItemsFlow.start.run(items=items)
    made = list(session.scalars(db.select(Task).order_by(Task.number)))
    assert [dict(task.data) for task in made if task.flow_task == "item"] == items
    assert all(task.created == process.created for task in made)
    task_id = next(task.id for task in made if task.flow_task == "item")
    with actions.activation(session, task_id, bob) as activation:
        activation.assign(reason='of "them" \\ é')
    event_row = session.scalars(db.select(Event).order_by(Event.id.desc()).limit(1)).one()
    assert event_row.detail == {"to": "bob", "reason": 'of "them" \\ é'}
    assert event_row.user_id == bob
    assert session.get_one(Task, task_id).assigned is not None
    links = session.execute(db.select(task_link)).all()
    assert len(links) == 3
    assert session.get_one(Process, process.id).search_text


@pytest.mark.parametrize("insert", [False, True], ids=["changed", "new"])
def test_the_hour_that_clocks_show_twice_is_kept_apart(flow_tester, session, insert):
    """Python takes both for the same moment of its zone."""
    flow_tester(ItemsFlow)
    process = ItemsFlow.start.run(items=[{}, {}])
    first = dt.datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    moments = [first, first.replace(fold=1)]
    task_ids = list(session.scalars(db.select(Task.id).where(Task.flow_task == "item").order_by(Task.id)))
    if insert:
        values = {
            "process_id": process.id,
            "task_id": task_ids[0],
            "action": "x",
            "from_state": "",
            "to_state": "",
        }
        rows = [{**values, "created": each, "detail": {}} for each in moments]
        driver.insert(session.connection(), Event.__table__, tuple(rows[0]), rows)
        session.commit()
        found = session.scalars(db.select(Event.created).where(Event.action == "x").order_by(Event.id)).all()
    else:
        for task_id, due in zip(task_ids, moments, strict=True):
            with actions.activation(session, task_id) as activation:
                activation.task.due = due
        found = session.scalars(db.select(Task.due).where(Task.flow_task == "item").order_by(Task.id)).all()
    assert found == [each.astimezone(dt.UTC) for each in moments]
