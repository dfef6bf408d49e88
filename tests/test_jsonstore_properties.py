"""Every value of every kind comes back as it was, and SQL sorts as Python does."""

from __future__ import annotations

import datetime as dt
import os
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgresql import new_database
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from portal import jsonstore


class Base(DeclarativeBase):
    pass


class Record(Base):
    __tablename__ = "record"
    id: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(jsonstore.document(), default=dict)

    text = jsonstore.StringField()
    flag = jsonstore.BooleanField()
    integer = jsonstore.IntegerField()
    floating = jsonstore.FloatField()
    decimal = jsonstore.DecimalField()
    day = jsonstore.DateField()
    moment = jsonstore.DateTimeField()
    clock = jsonstore.TimeField()
    wait = jsonstore.DurationField()
    key = jsonstore.UUIDField()
    raw = jsonstore.BinaryField()
    anything = jsonstore.JSONField()


@pytest.fixture(scope="session")
def pg_url(postgresql_server: Any) -> str:
    return new_database(postgresql_server, "properties_" + os.environ.get("PYTEST_XDIST_WORKER", "master"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Any:
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("pg_url")
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(
    dt.datetime(1, 1, 3),
    dt.datetime(9999, 12, 29),
    timezones=st.integers(-1439, 1439).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))),
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
amounts = st.decimals(-(10**9), 10**9, places=4)

KINDS: dict[str, st.SearchStrategy[Any]] = {
    "text": text,
    "flag": st.booleans(),
    "integer": st.integers(),
    "floating": finite,
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40),
    "day": st.dates(),
    "moment": moments,
    "clock": st.times(),
    "wait": st.timedeltas(),
    "key": st.uuids(),
    "raw": st.binary(max_size=40),
    "anything": documents,
}
slow = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]  # a busy machine is no fault
quick = settings(max_examples=15, deadline=None, suppress_health_check=slow)


@pytest.mark.parametrize(
    "value", [6.7749502229005845e-304, -5.16599750485886e-304, 5e-324, 0.1 + 0.2, 1e308, -0.0]
)
def test_numbers_in_floating_point_are_found_to_the_last_digit(engine: Any, value: float) -> None:
    with Session(engine) as session:
        record = Record(floating=value)
        session.add(record)
        session.flush()
        query = select(Record).where(Record.id == record.id, Record.floating == value)
        assert session.scalars(query).all() == [record]


@pytest.mark.parametrize("name", KINDS)
def test_every_value_comes_back(engine: Any, name: str) -> None:
    @quick
    @given(KINDS[name])
    def check(value: Any) -> None:
        with Session(engine) as session:
            record = Record()
            setattr(record, name, value)
            session.add(record)
            session.commit()
            assert getattr(record, name) == value
            if name != "anything":
                found = session.scalars(
                    select(Record).where(Record.id == record.id, getattr(Record, name) == value)
                )
                assert found.all() == [record]

    check()


SORTED: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**62), 2**62),
    "floating": st.floats(-1e200, 1e200, allow_subnormal=False),
    "decimal": amounts,
    "day": st.dates(),
    "moment": moments,
    "clock": st.times(),
    "wait": st.timedeltas(-dt.timedelta(days=9999), dt.timedelta(days=9999)),
}


@pytest.mark.parametrize("name", SORTED)
def test_sql_sorts_as_python(engine: Any, name: str) -> None:
    column = getattr(Record, name)

    @quick
    @given(st.lists(SORTED[name], min_size=2, max_size=6))
    def check(values: list[Any]) -> None:
        with Session(engine) as session:
            session.execute(Record.__table__.delete())
            session.add_all([Record(**{name: value}) for value in values])
            session.flush()
            assert [
                getattr(record, name) for record in session.scalars(select(Record).order_by(column))
            ] == sorted(values)
            below = session.scalars(select(Record).where(column < values[0])).all()
            assert len(below) == sum(value < values[0] for value in values)

    check()


@given(
    documents.filter(lambda value: isinstance(value, dict)),
    documents.filter(lambda value: isinstance(value, dict)),
)
def test_changes_lead_from_one_document_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    target = jsonstore.plain(before)
    jsonstore.apply(jsonstore.changes(before, after), target)
    assert target == after
    assert jsonstore.changes(after, target) == ()


def test_two_branches_do_not_undo_each_other() -> None:
    start = {"a": 1, "deep": {"x": 1, "y": 2}, "list": [1], "gone": 1}
    first = {"a": 2, "deep": {"x": 5, "y": 2}, "list": [1], "new": {"one": 1}}
    second = {"a": 1, "deep": {"x": 1, "y": 2, "z": 3}, "list": [1, 2], "gone": 1, "new": {"two": 2}}
    target = jsonstore.plain(start)
    jsonstore.apply(jsonstore.changes(start, first), target)
    jsonstore.apply(jsonstore.changes(start, second), target)
    assert target == {"a": 2, "deep": {"x": 5, "y": 2, "z": 3}, "list": [1, 2], "new": {"one": 1, "two": 2}}


@pytest.mark.parametrize(
    ("before", "after", "target", "result"),
    [
        ({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1, "y": 2}}, {"a": {"y": 2}}),
        ({}, {"a": {}}, {"a": {"y": 2}}, {"a": {"y": 2}}),
        ({"a": 1}, {"a": True}, {"a": 1}, {"a": True}),
        ({"a": {"x": 1}}, {"a": {"x": 2}}, {"a": None}, {"a": {"x": 2}}),
        ({"a": {"x": 1}}, {"a": {}}, {}, {}),
        ({"a": 1}, {"a": {"x": 1}}, {"a": {"y": 1}}, {"a": {"x": 1}}),
        ({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}),
        (None, {"a": None}, {}, {"a": None}),
    ],
)
def test_merge(before: Any, after: Any, target: Any, result: Any) -> None:
    jsonstore.apply(jsonstore.changes(before, after), target)
    assert target == result
    assert target["a"] is result["a"] if "a" in result and result["a"] is True else True


def test_merge_into_a_tracked_document(engine: Any) -> None:
    with Session(engine) as session:
        record = Record(data={"a": {"x": 1}})
        session.add(record)
        session.commit()
        jsonstore.apply(jsonstore.changes({}, {"a": {"y": Decimal(2) == 2}}), record.data)
        session.commit()
        assert record.data == {"a": {"x": 1, "y": True}}
