"""A filter on a field finds what has the value, and all of it, though an index is asked first."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal

import on_each_database
import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, queries, this
from portal.engine import search_text
from portal.models import Process, Task, db
from portal.queries import Filters
from portal.queries.filters import DataFilter


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class GoodsProcess(Process):
    name = jsonstore.StringField("Name")
    amount = jsonstore.DecimalField("Amount")
    weight = jsonstore.FloatField("Weight")
    place = jsonstore.StringField("Place", default="Zürich")
    colour = jsonstore.ChoiceField("Colour", choices=Colour)
    kind = jsonstore.ChoiceField("Kind", choices=[("n", "Normal"), ("x", "Express delivery")])
    day = jsonstore.DateField("Day")
    note = jsonstore.TextField("Note")
    inner = jsonstore.StringField("Inner", json_key=("part", "inner"))
    secret = jsonstore.StringField("Secret", json_key=("part", "secret"), visible_to="goods.secret")


class GoodsFlow(flow.Flow):
    """Goods"""

    process_class = GoodsProcess
    start = flow.StartHandle(this.take).Next(this.wait)
    wait = flow.ManualTask().Next(this.end)
    end = flow.End()

    def take(self, activation, other=None, **values):
        for name, value in values.items():
            setattr(activation.process, name, value)
        if other is not None:
            db.session.get(Process, other).name = "Elsewhere"
        return activation.process


class BoxProcess(Process):
    __tablename__ = "box_of_values"
    label: Mapped[str] = mapped_column(default="")


class BoxFlow(GoodsFlow):
    """Boxes"""

    process_class = BoxProcess


database_url = on_each_database.database_url


GOODS = {
    "a": {
        "name": "Goods",
        "kind": "x",
        "day": dt.date(2026, 11, 2),
    },  # as the flow is called: once in the text
    "b": {"name": "straße", "amount": Decimal("4711.00"), "weight": 0.1, "inner": "within"},
    "c": {"name": "STRASSE 7", "amount": Decimal(471100), "weight": 1e20, "colour": Colour.BLUE, "kind": "n"},
    "d": {"name": "x", "amount": Decimal("-4711"), "weight": 4711.0, "place": "Bern", "secret": "hush"},
    "e": {"name": 'a "b"\\c%_', "note": "far " * 6000 + "behind", "place": None},
}
CASES = {
    "name=Goods": "a",
    "name=goods": "",
    "name.contains=GOOD": "a",
    "name.contains=strasse": "c",
    "name.contains=STRASSE": "c",
    "name.contains=straße": "bc",
    "name=x": "d",
    "name.contains=x": "d",
    'name=a "b"\\c%_': "e",
    "name.contains=%_": "e",
    "name.contains=nothing": "",
    "amount=4711": "b",
    "amount=4711.000": "b",
    "amount=-4711": "d",
    "weight=0.10": "b",
    "weight=100000000000000000000": "c",
    "weight=4711": "d",
    "place=Zürich": "abc",
    "place.contains=üri": "abc",
    "place=Bern": "d",
    "colour=b": "c",
    "kind=express delivery": "a",
    "kind.contains=deliv": "a",
    "kind=n": "c",
    "day=2026-11-02": "a",
    "note.contains=behind": "e",
    "inner=within": "b",
    "inner.contains=ithi": "b",
}


@pytest.fixture
def goods(register, people):
    register(GoodsFlow)
    return {GoodsFlow.start.run(**values).id: name for name, values in GOODS.items()}


def found(erin, goods, query, flow="goods"):
    key, _, value = query.partition("=")
    name, _, op = key.partition(".")
    filters = Filters(flow=flow, data=(DataFilter(name, op or "eq", value),))
    page = queries.read(db.session(), erin, "processes", filters)
    tasks = queries.read(db.session(), erin, "tasks", filters)
    assert not page.faults
    assert {each.process_id for each in tasks} == {each.id for each in page}
    return "".join(sorted(goods[each.id] for each in page))


def test_a_value_is_found_wherever_it_stands(people, goods):
    wrong = {
        query: seen
        for query, is_so in CASES.items()
        if (seen := found(people["erin"], goods, query)) != is_so
    }
    assert not wrong


def test_what_has_no_text_yet_and_what_code_has_changed_is_found(people, goods):
    erin, ids = people["erin"], {name: key for key, name in goods.items()}
    db.session.execute(update(Process).where(Process.id == ids["b"]).values(search_text=None))
    db.session.commit()
    assert found(erin, goods, "inner=within") == "b"
    process = db.session.get(Process, ids["a"])
    process.name = "Renamed"
    db.session.commit()
    assert found(erin, goods, "name=Renamed") == "a"
    GoodsFlow.start.run(other=ids["c"])
    assert found(erin, goods, "name=Elsewhere") == "c"
    assert search_text.fill_in(db.session()) == 1
    assert found(erin, goods, "inner=within") == "b"


def test_a_column_of_the_processs_own_table(people, register):
    register(BoxFlow)
    boxes = {BoxFlow.start.run(label=label).id: label[0] for label in ("crate 1", "box 22", "Box 23")}
    assert found(people["erin"], boxes, "label=crate 1", "box") == "c"
    assert found(people["erin"], boxes, "label.contains=box 2", "box") == "Bb"


class PanelProcess(Process):
    topic = jsonstore.StringField("Topic")


class PanelFlow(flow.Flow):
    """Panels"""

    process_class = PanelProcess
    start = flow.StartHandle(this.take).Next(this.ask)
    ask = flow.Split().Next(this.answer, task_data_source=this.people)
    answer = flow.ManualTask().Annotation(summary_template="Dear {{ task.data.name }}").Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def take(self, activation, topic="Rain"):
        activation.process.topic = topic
        return activation.process

    def people(self, activation):
        return [{"name": name, "_kept": "hidden"} for name in ("Beatrice", "Dante", "Virgil")]


def searched(erin, page, words):
    return {each.id for each in queries.read(db.session(), erin, page, Filters(q=words))}


def test_a_task_is_found_by_its_own_data(people, register):
    register(PanelFlow)
    process = PanelFlow.start.run().id
    other = PanelFlow.start.run(topic="Dante").id
    erin = people["erin"]
    tasks = {
        (task.process_id, task.data["name"]): task.id
        for task in db.session.query(Task).filter(Task.flow_task == "answer")
    }
    assert searched(erin, "tasks", "beatrice") == {tasks[process, "Beatrice"], tasks[other, "Beatrice"]}
    assert searched(erin, "tasks", "RAIN beatrice") == {tasks[process, "Beatrice"]}
    assert searched(erin, "tasks", "rain dante") == {tasks[process, "Dante"]}
    assert searched(erin, "processes", "rain virgil") == {process}
    assert searched(erin, "processes", "dante") == {process, other}
    assert searched(erin, "processes", "rain homer") == set()
    for never in ("hidden", "name", "_kept"):
        assert searched(erin, "tasks", never) == set()


def test_pieces_of_long_texts_are_made_in_time_that_grows_with_their_length(app):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no such index")
    pieces = "SELECT portal_trigrams(:text)"
    assert db.session.scalar(text(pieces), {"text": "ab"}) == ["\nab", "ab\n"]
    assert sorted(db.session.scalar(text(pieces), {"text": "äbcd"})) == ["\näb", "bcd", "cd\n", "äbc"]
    assert not db.session.scalar(text(pieces), {"text": ""})
    db.session.execute(text("SET LOCAL statement_timeout = '20s'"))
    assert len(db.session.scalar(text(pieces), {"text": "ä long line\n" * 15_000})) == 180_000
