"""Whatever a function sets survives the savepoint ahead of its first query, and is taken back when it fails."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import JSON, Column, ForeignKey, Table, select
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import DynamicMapped, Mapped, WriteOnlyMapped, composite, mapped_column, relationship

from portal import flow, jsonstore, this
from portal.models import Process, db


@dataclasses.dataclass
class Place:
    town: str | None
    street: str | None


signed = Table(
    "kind_signed",
    db.metadata,
    Column("process_id", ForeignKey("kind_process.id"), primary_key=True),
    Column("person_id", ForeignKey("kind_person.id"), primary_key=True),
)


class KindPerson(db.Model):
    __tablename__ = "kind_person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    notes: Mapped[list[str]] = mapped_column(JSON, default=list)


class KindContract(db.Model):
    __tablename__ = "kind_contract"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    processes: Mapped[list[KindProcess]] = relationship(back_populates="contract")


class KindLine(db.Model):
    __tablename__ = "kind_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    process_id: Mapped[int] = mapped_column(ForeignKey("kind_process.id"))
    text: Mapped[str]
    process: Mapped[KindProcess] = relationship(back_populates="lines")


class KindEntry(db.Model):
    __tablename__ = "kind_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    process_id: Mapped[int] = mapped_column(ForeignKey("kind_process.id", ondelete="CASCADE"))
    text: Mapped[str]


class KindItem(db.Model):
    __tablename__ = "kind_item"
    id: Mapped[int] = mapped_column(primary_key=True)
    process_id: Mapped[int] = mapped_column(ForeignKey("kind_process.id"))
    text: Mapped[str]


class KindProcess(Process):
    __tablename__ = "kind_process"

    amount: Mapped[int | None]
    remark: Mapped[str | None] = mapped_column(deferred=True)
    tags: Mapped[list[str]] = mapped_column(MutableList.as_mutable(JSON), default=list)
    town: Mapped[str | None]
    street: Mapped[str | None]
    place: Mapped[Place] = composite("town", "street")
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("kind_contract.id"))
    contract: Mapped[KindContract | None] = relationship(back_populates="processes")
    lines: Mapped[list[KindLine]] = relationship(back_populates="process", cascade="all, delete-orphan")
    people: Mapped[list[KindPerson]] = relationship(secondary=signed)
    log: WriteOnlyMapped[KindEntry] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    items: DynamicMapped[KindItem] = relationship(cascade="all, delete-orphan")
    names: AssociationProxy[list[str]] = association_proxy(
        "people", "name", creator=lambda name: KindPerson(name=name)
    )
    word = jsonstore.StringField(default="")

    @hybrid_property
    def double(self):
        return (self.amount or 0) * 2

    @double.inplace.setter
    def _set_double(self, value):
        self.amount = value // 2


def _person(name="Ann"):
    return db.session.query(KindPerson).filter_by(name=name).one()


def _add(row):
    db.session.add(row)
    return row


def _new_contract(process, _task):
    process.contract = _add(KindContract(title="new"))


def _contract_of_old(process, _task):
    contract = db.session.query(KindContract).filter_by(title="old").one()
    process.contract = contract


def _from_the_other_side(process, _task):
    _add(KindContract(title="new", processes=[process]))


def _delete(process, _task):
    process.contract = None
    db.session.delete(_person("Bob"))


def _in_place(process, _task):
    process.tags.append("x")
    process.data["list"].append(3)


def _other(process, _task):
    ann = _person()
    ann.notes = ["seen"]


def _set(name, value):
    return lambda process, _task: setattr(process, name, value)


KINDS = {
    "column": _set("amount", 7),
    "deferred column": _set("remark", "r"),
    "field": _set("word", "w"),
    "hybrid": _set("double", 14),
    "composite": lambda process, _task: setattr(process, "place", Place("Bern", "Gasse")),
    "in place": _in_place,
    "many to one, a new row": _new_contract,
    "many to one, a row that is there": _contract_of_old,
    "many to one, emptied, and a deletion": _delete,
    "one to many": lambda process, _task: process.lines.append(KindLine(text="new")),
    "one to many, from the other side": lambda process, _task: _add(KindLine(text="new", process=process)),
    "one to many, taken out": lambda process, _task: process.lines.clear(),
    "one to many, replaced": _set("lines", []),
    "many to one, from the other side": _from_the_other_side,
    "many to many": lambda process, _task: process.people.append(_person()),
    "many to many, a new row": lambda process, _task: process.people.append(KindPerson(name="Cleo")),
    "write only": lambda process, _task: process.log.add(KindEntry(text="new")),
    "write only, taken out": lambda process, _task: process.log.remove(
        db.session.scalars(process.log.select()).one()
    ),
    "dynamic": lambda process, _task: process.items.append(KindItem(text="new")),
    "dynamic, taken out": lambda process, _task: process.items.remove(process.items.one()),
    "dynamic, replaced": lambda process, _task: setattr(process, "items", [KindItem(text="new")]),
    "association": lambda process, _task: process.names.append("Cleo"),
    "artifact": lambda process, _task: setattr(process, "artifact", KindContract(title="new")),
    "seed": lambda process, task: setattr(task, "seed", _add(KindContract(title="new"))),
    "another row": _other,
}


def _state(process):
    """What the database says."""
    db.session.expire_all()
    task = next(each for each in process.tasks if each.flow_task == "change")
    contract, artifact, seed = process.contract, process.artifact, task.seed
    return {
        "columns": (process.amount, process.remark, process.word, process.place, process.tags),
        "data": process.data["list"],
        "contract": contract and contract.title,
        "lines": [line.text for line in process.lines],
        "people": sorted(process.names),
        "log": sorted(db.session.scalars(select(KindEntry.text))),
        "items": sorted(db.session.scalars(select(KindItem.text))),
        "artifact": artifact and artifact.title,
        "seed": seed and seed.title,
        "rows": sorted(db.session.scalars(select(KindContract.title))),
        "persons": sorted((each.name, tuple(each.notes)) for each in db.session.scalars(select(KindPerson))),
        "all lines": sorted(db.session.scalars(select(KindLine.text))),
    }


class KindFlow(flow.Flow):
    process_class = KindProcess

    start = flow.StartHandle(this.begin).Next(this.wait)
    wait = flow.Handle().Next(this.change)
    change = flow.Function(this.set_it).Next(this.end)
    end = flow.End()

    kind, then = "", ""

    def begin(self, activation):
        process = activation.process
        process.data["list"] = [1, 2]
        process.contract = KindContract(title="first")
        process.lines.append(KindLine(text="line"))
        process.people.append(KindPerson(name="Bea"))
        process.log.add(KindEntry(text="entry"))
        process.items.append(KindItem(text="item"))
        db.session.add_all([KindContract(title="old"), KindPerson(name="Ann"), KindPerson(name="Bob")])
        return process

    def set_it(self, activation):
        if KindFlow.then.startswith("loaded"):
            _ = activation.process.lines, activation.process.people, activation.process.contract
        KINDS[KindFlow.kind](activation.process, activation.task)
        if KindFlow.then != "fails at once":
            db.session.scalars(select(KindPerson)).all()
        if "fails" in KindFlow.then:
            raise ValueError("no")


@pytest.mark.parametrize("then", ["survives", "loaded, survives", "fails", "fails at once", "loaded, fails"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_function_sets(flow_tester, kind, then, monkeypatch):
    monkeypatch.setattr(KindFlow, "kind", kind)
    monkeypatch.setattr(KindFlow, "then", then)
    flow_tester(KindFlow)
    process = KindFlow.start.run()
    before = None
    db.session.expire_all()
    before = {
        "lines": [line.text for line in process.lines],
        "people": sorted(process.names),
        "contract": process.contract.title,
    }
    assert before == {"lines": ["line"], "people": ["Bea"], "contract": "first"}
    db.session.rollback()
    KindFlow.wait.run(process=process)
    found = _state(process)
    untouched = {
        "columns": (None, None, "", Place(None, None), []),
        "data": [1, 2],
        "contract": "first",
        "lines": ["line"],
        "people": ["Bea"],
        "log": ["entry"],
        "items": ["item"],
        "artifact": None,
        "seed": None,
        "rows": ["first", "old"],
        "persons": [("Ann", ()), ("Bea", ()), ("Bob", ())],
        "all lines": ["line"],
    }
    if "fails" in then:
        assert found == untouched
        assert process.status == "NEW"
    else:
        assert found == untouched | CHANGED[kind]
        assert process.status == "DONE"


_WITH_NEW = {"rows": ["first", "new", "old"]}
_TWO_LINES = {"lines": ["line", "new"], "all lines": ["line", "new"]}
_NO_LINES = {"lines": [], "all lines": []}
_CLEO = {"people": ["Bea", "Cleo"], "persons": [("Ann", ()), ("Bea", ()), ("Bob", ()), ("Cleo", ())]}
_EMPTY = Place(None, None)
CHANGED = {
    "column": {"columns": (7, None, "", _EMPTY, [])},
    "deferred column": {"columns": (None, "r", "", _EMPTY, [])},
    "field": {"columns": (None, None, "w", _EMPTY, [])},
    "hybrid": {"columns": (7, None, "", _EMPTY, [])},
    "composite": {"columns": (None, None, "", Place("Bern", "Gasse"), [])},
    "in place": {"columns": (None, None, "", _EMPTY, ["x"]), "data": [1, 2, 3]},
    "many to one, a new row": {"contract": "new"} | _WITH_NEW,
    "many to one, a row that is there": {"contract": "old"},
    "many to one, emptied, and a deletion": {"contract": None, "persons": [("Ann", ()), ("Bea", ())]},
    "one to many": _TWO_LINES,
    "one to many, from the other side": _TWO_LINES,
    "one to many, taken out": _NO_LINES,
    "one to many, replaced": _NO_LINES,
    "many to one, from the other side": {"contract": "new"} | _WITH_NEW,
    "many to many": {"people": ["Ann", "Bea"]},
    "many to many, a new row": _CLEO,
    "write only": {"log": ["entry", "new"]},
    "write only, taken out": {"log": []},
    "dynamic": {"items": ["item", "new"]},
    "dynamic, taken out": {"items": []},
    "dynamic, replaced": {"items": ["new"]},
    "association": _CLEO,
    "artifact": {"artifact": "new"} | _WITH_NEW,
    "seed": {"seed": "new"} | _WITH_NEW,
    "another row": {"persons": [("Ann", ("seen",)), ("Bea", ()), ("Bob", ())]},
}
