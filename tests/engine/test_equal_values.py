"""What a function sets to a value that Python takes for equal is a change all the same, and so taken back with it."""

from __future__ import annotations

import pytest
from sqlalchemy import JSON, String, TypeDecorator
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import mapped_column

from portal import flow, this
from portal.jsonstore.plain import same
from portal.models import Process, db


class Array:
    """Its comparison answers for each of its members, as that of an array of NumPy does."""

    def __init__(self, *members):
        self.members = members

    def __eq__(self, other):
        return Answers(a is b for a, b in zip(self.members, getattr(other, "members", "  "), strict=False))

    def __ne__(self, other):
        return Answers(not each for each in self == other)

    __hash__ = None


class Answers(list):
    def __bool__(self):
        raise ValueError("the truth of several answers is ambiguous")


class ArrayType(TypeDecorator):
    impl = String
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return None if value is None else ",".join(map(str, value.members))

    def process_result_value(self, value, dialect):
        return None if value is None else Array(*map(int, value.split(",")))


class Words(String):
    """A type of an author's own, whose values are no texts. SQLAlchemy has another one for PostgreSQL in its place."""

    cache_ok = True

    def bind_processor(self, dialect):
        return lambda value: None if value is None else " ".join(value)

    def result_processor(self, dialect, coltype):
        return lambda value: None if value is None else value.split()


class EqualProcess(Process):
    __tablename__ = "equal_process"

    place = mapped_column(ArrayType)
    notes = mapped_column(JSON)


CHANGES = {
    "a value": lambda data: data.update(x=True),
    "a number": lambda data: data.update(x=1.0),
    "deep inside": lambda data: data["list"][0].update(x=True),
}


def change_of(process):
    CHANGES[process.data["change"]](process.data)
    if process.data["query"]:
        db.session.execute(db.select(1))  # which sets a savepoint
    if process.data["fails"]:
        raise ValueError("no")


class EqualFlow(flow.Flow):
    process_class = EqualProcess
    start = flow.StartHandle(this.begin).Next(this.wait)
    wait = flow.Handle().Next(this.change)
    change = flow.Function(lambda activation: change_of(activation.process)).Next(this.hold)
    hold = flow.Handle().Next(this.end)
    end = flow.End()

    def begin(self, activation, **values):
        process = activation.process
        process.place, process.notes = Array(1, 2), [1]
        process.data = {"x": 1, "list": [{"x": 1}], **values}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("query", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_value_that_python_takes_for_equal(flow_tester, change, query, fails):
    run = flow_tester(EqualFlow)
    run.start(change=change, query=query, fails=fails)
    wanted = {"x": 1, "list": [{"x": 1}], "change": change, "query": query, "fails": fails}
    if not fails:
        CHANGES[change](wanted)
    run.handle("wait")
    db.session.expire_all()
    assert same(run.process.data, wanted), run.process.data
    assert bool(run.failures()) is fails
    assert (run.process.place.members, run.process.notes) == ((1, 2), [1])


@pytest.mark.parametrize("query", [False, True])
def test_a_value_whose_comparison_is_no_plain_answer(flow_tester, monkeypatch, query):
    def move(data):
        db.session.get_one(EqualProcess, run.process.id).place = Array(3, 4)

    monkeypatch.setitem(CHANGES, "place", move)
    run = flow_tester(EqualFlow)
    for fails in (True, False):
        run.start(change="place", query=query, fails=fails)
        run.handle("wait")
        db.session.expire_all()
        assert run.process.place.members == ((1, 2) if fails else (3, 4))


class WordsProcess(Process):
    __tablename__ = "words_process"

    words = mapped_column(MutableList.as_mutable(Words()))


class AtOnceFlow(flow.Flow):
    """What its function changes is loaded already."""

    process_class = WordsProcess
    start = flow.StartHandle(this.begin).Next(this.look)
    look = flow.Function(lambda activation: activation.process.words).Next(this.change)
    change = flow.Function(lambda activation: change_of(activation.process)).Next(this.hold)
    hold = flow.Handle().Next(this.end)
    end = flow.End()

    def begin(self, activation, **values):
        activation.process.words, activation.process.data = ["a"], values


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("query", [False, True])
def test_a_value_that_changes_within(flow_tester, monkeypatch, query):
    def add(data):
        next(each for each in (*db.session.new, *db.session) if isinstance(each, WordsProcess)).words.append(
            "b"
        )

    monkeypatch.setitem(CHANGES, "words", add)
    run = flow_tester(AtOnceFlow)
    for fails in (True, False):
        db.session.expunge_all()
        run.start(change="words", query=query, fails=fails)
        db.session.expire_all()
        assert run.process.words == (["a"] if fails else ["a", "b"])
