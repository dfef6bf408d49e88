"""The fields: what they take, what they keep, what SQL sees of them."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import os
import pickle
import uuid
from decimal import Decimal
from typing import Any

import pytest
from postgresql import new_database
from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

from portal import jsonstore


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Token(Base):
    __tablename__ = "token"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)


class Colour(enum.Enum):
    RED = "red"
    DARK_BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 10


class Line:
    """A schema may be any class with fields."""

    product = jsonstore.StringField(max_length=20)
    count = jsonstore.IntegerField(default=1)
    until = jsonstore.DateField()
    buyer = jsonstore.ReferenceField(Person)


class Address(jsonstore.Schema):
    street = jsonstore.StringField()
    lines = jsonstore.EmbeddedListField(Line)
    data = jsonstore.IntegerField()


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="thing")
    data: Mapped[dict[str, Any]] = mapped_column(jsonstore.document(), default=dict)
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "thing"}


class Order(Thing):
    __mapper_args__ = {"polymorphic_identity": "order"}

    text = jsonstore.StringField("Message", max_length=50, required=True, help_text="What to say")
    note = jsonstore.TextField(default="")
    approved = jsonstore.BooleanField(default=False)
    checked = jsonstore.BooleanField()
    amount = jsonstore.IntegerField(minimum=0)
    rate = jsonstore.FloatField(default=0.5)
    price = jsonstore.DecimalField(max_digits=12, decimal_places=2)
    exact = jsonstore.DecimalField()
    due_date = jsonstore.DateField()
    moment = jsonstore.DateTimeField()
    clock = jsonstore.TimeField()
    wait = jsonstore.DurationField()
    number = jsonstore.UUIDField()
    mail = jsonstore.EmailField()
    page = jsonstore.URLField()
    size = jsonstore.ChoiceField(choices=[("s", "Small"), ("l", "Large")], default="s")
    stars = jsonstore.ChoiceField(choices=[1, 2, 3])
    colour = jsonstore.ChoiceField(choices=Colour, default=Colour.RED)
    level = jsonstore.ChoiceField(choices=Level)
    anything = jsonstore.JSONField()
    tags = jsonstore.JSONField(default=list)
    options = jsonstore.JSONField(default={"deep": [1]})
    raw = jsonstore.BinaryField(max_length=100)
    person = jsonstore.ReferenceField(Person)
    token = jsonstore.ReferenceField(lambda: Token)
    people = jsonstore.ReferenceListField(Person)
    address = jsonstore.EmbeddedField(Address)
    lines = jsonstore.EmbeddedListField(Line)
    moved = jsonstore.StringField(json_key="other")
    nested = jsonstore.IntegerField(json_key=("deep", "down"), default=7)
    ticket = jsonstore.UUIDField(default=uuid.uuid4)


class JoinedOrder(Order):
    __tablename__ = "joined_order"
    __mapper_args__ = {"polymorphic_identity": "joined"}
    id: Mapped[int] = mapped_column(ForeignKey("thing.id"), primary_key=True)
    place: Mapped[str | None]
    extra = jsonstore.StringField(default="extra")


class OtherThing(Thing):
    """Keeps other kinds of values in the same places."""

    __mapper_args__ = {"polymorphic_identity": "other"}
    amount = jsonstore.StringField()
    approved = jsonstore.StringField()
    price = jsonstore.StringField()


@pytest.fixture(scope="session")
def pg_url(postgresql_server: Any) -> str:
    return new_database(postgresql_server, "fields_" + os.environ.get("PYTEST_XDIST_WORKER", "master"))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Any:
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("pg_url")
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Any) -> Any:
    with Session(engine) as session:
        yield session
        session.rollback()
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
        session.commit()


def store(session: Session, model: Any = Order, **values: Any) -> Any:
    thing = model()
    session.add(thing)
    for name, value in values.items():
        setattr(thing, name, value)
    session.commit()
    session.refresh(thing)
    return thing


UTC = dt.UTC
EAST = dt.timezone(dt.timedelta(hours=5, minutes=30))
VALUES = [
    ("text", "Grüße 'x' \"y\" \\ %"),
    ("text", ""),
    ("note", "two\nlines"),
    ("approved", True),
    ("approved", False),
    ("checked", False),
    ("amount", 0),
    ("amount", 2**70),
    ("rate", 0.0),
    ("rate", 0.1),
    ("price", Decimal("0")),
    ("price", Decimal("-12.50")),
    ("exact", Decimal("12345678901234567890.123456789012345678901")),
    ("exact", Decimal("0E-1000000")),
    ("exact", Decimal("1E+99")),
    ("due_date", dt.date(1, 1, 1)),
    ("moment", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=EAST)),
    ("clock", dt.time(23, 59, 59, 999999)),
    ("wait", dt.timedelta(0)),
    ("wait", dt.timedelta(days=-1, microseconds=1)),
    ("wait", dt.timedelta.max),
    ("number", uuid.UUID(int=5)),
    ("mail", "alice@example.test"),
    ("page", "https://example.test/a?b=c"),
    ("size", "l"),
    ("stars", 3),
    ("colour", Colour.DARK_BLUE),
    ("level", Level.HIGH),
    ("anything", {"a": [1, 2.5, None, True, {"é": ""}]}),
    ("anything", []),
    ("anything", 0),
    ("anything", "text"),
    ("raw", b""),
    ("raw", bytes(range(100))),
    ("moved", "x"),
    ("nested", 0),
]


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_value_is_kept(session: Session, name: str, value: Any) -> None:
    thing = store(session, **{name: value})
    read = getattr(thing, name)
    assert read == value
    if not isinstance(value, (dict, list)):
        assert type(read) is type(value)
    assert not session.dirty


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_sql_finds_the_value(session: Session, name: str, value: Any) -> None:
    thing = store(session, **{name: value})
    store(session, OtherThing, amount="abc", approved="maybe", price="1,5 EUR")
    column = getattr(Order, name)
    assert session.scalars(select(Order).where(column == value)).all() == [thing]
    assert session.scalars(select(Order).where(column.is_not(None))).all() == [thing]
    assert session.scalars(select(Order).where(column.is_(None))).all() == []
    assert session.scalars(select(Order).where(column == None)).all() == []  # noqa: E711
    if name not in ("anything",):
        assert session.scalars(select(Order).where(column.in_([value]))).all() == [thing]
    if name not in ("exact", "wait"):
        assert session.scalars(select(column)).all() == [value]


@pytest.mark.parametrize("name", list(jsonstore.fields_of(Order)))
def test_none_is_kept(session: Session, name: str) -> None:
    thing = store(session, **{name: None})
    assert getattr(thing, name) is None
    column = getattr(Order, name)
    assert session.scalars(select(Order).where(column.is_(None))).all() == [thing]


class Strange:
    pass


WRONG = [
    ("text", 5, "text"),
    ("text", "x" * 51, "At most 50"),
    ("text", "a\0b", "cannot be stored"),
    ("text", "\ud800", "cannot be stored"),
    ("approved", 1, "True or False"),
    ("approved", "true", "True or False"),
    ("amount", "5", "whole number"),
    ("amount", True, "whole number"),
    ("amount", 1.0, "whole number"),
    ("amount", -1, "At least 0"),
    ("rate", "1.5", "number"),
    ("rate", True, "number"),
    ("rate", float("nan"), "finite"),
    ("rate", float("inf"), "finite"),
    ("rate", 10**400, "too large"),
    ("price", 1.5, "Decimal"),
    ("price", "1.5", "Decimal"),
    ("price", False, "Decimal"),
    ("price", Decimal("NaN"), "finite"),
    ("price", Decimal("1.005"), "decimal places"),
    ("price", Decimal("12345678901"), "digits before"),
    ("exact", Decimal("1E+1000000"), "too many digits"),
    ("exact", Decimal("1E-1000000"), "too many digits"),
    ("due_date", dt.datetime(2026, 1, 1, tzinfo=UTC), "date"),
    ("due_date", "2026-01-01", "date"),
    ("moment", dt.datetime(2026, 1, 1), "time zone"),
    ("moment", dt.date(2026, 1, 1), "datetime"),
    ("moment", dt.datetime.min.replace(tzinfo=EAST), "out of range"),
    ("clock", "10:00", "time"),
    ("clock", dt.time(1, tzinfo=UTC), "time zone"),
    ("wait", 5, "timedelta"),
    ("number", "x", "UUID"),
    ("mail", "alice", "mail address"),
    ("mail", "alice@", "mail address"),
    ("page", "javascript:alert(1)", "web address"),
    ("page", "https://", "web address"),
    ("size", "m", "choices"),
    ("stars", True, "choices"),
    ("stars", "1", "choices"),
    ("colour", "green", "choices"),
    ("colour", Level.LOW, "choices"),
    ("anything", {"a": Strange()}, "Strange"),
    ("anything", {1: 2}, "keys"),
    ("anything", float("nan"), "nan"),
    ("raw", "text", "Bytes"),
    ("raw", bytes(101), "At most 100"),
    ("person", 1, "Person"),
    ("people", [1], "Person"),
    ("people", 5, "list"),
    ("address", 5, "Address"),
    ("address", {"street": 5}, "text"),
    ("address", {"nothing": 5}, "no field"),
    ("lines", {"product": "x"}, "list"),
    ("lines", [5], "Line"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_wrong_value_is_refused(name: str, value: Any, words: str) -> None:
    thing = Order()
    with pytest.raises(ValueError, match=words):
        setattr(thing, name, value)
    assert not thing.data


def test_wider_types_are_taken() -> None:
    thing = Order(rate=2, price=3, colour="blue", raw=bytearray(b"a"))
    assert (thing.rate, thing.price, thing.colour, thing.raw) == (2.0, Decimal(3), Colour.DARK_BLUE, b"a")
    assert type(thing.rate) is float
    assert type(thing.price) is Decimal


def test_validators_are_asked() -> None:
    def even(value: int) -> None:
        if value % 2:
            raise ValueError("odd")

    class Numbers:
        one = jsonstore.IntegerField(validators=[even])

    numbers = Numbers()
    numbers.one = 2
    with pytest.raises(ValueError, match="odd"):
        numbers.one = 3
    assert numbers.one == 2


def test_defaults(session: Session) -> None:
    thing = store(session)
    assert (thing.note, thing.approved, thing.rate, thing.colour, thing.nested) == (
        "",
        False,
        0.5,
        Colour.RED,
        7,
    )
    assert (thing.text, thing.amount, thing.address) == (None, None, None)
    assert (thing.tags, thing.options, thing.people, thing.lines) == ([], {"deep": [1]}, [], [])
    assert not session.dirty, "reading a default writes nothing"
    for criterion in (
        Order.approved == False,  # noqa: E712
        Order.note == "",
        Order.rate == 0.5,
        Order.colour == Colour.RED,
        Order.nested == 7,
        Order.tags == [],
        ~Order.approved,
        Order.size.in_(["s", "l"]),
    ):
        assert session.scalars(select(Order).where(criterion)).all() == [thing]


def test_called_default_stays(session: Session) -> None:
    new = Order()
    ticket = new.ticket
    session.add(new)
    session.commit()
    session.expunge_all()
    thing = session.scalars(select(Order)).one()
    assert thing.ticket == ticket
    assert session.scalars(select(Order).where(Order.ticket == ticket)).all() == [thing]
    assert store(session).ticket != ticket


def test_mutable_default_is_stored_when_changed(session: Session) -> None:
    thing = store(session)
    first, second = thing.tags, thing.tags
    first.append("a")
    second.append("b")
    thing.options["deep"].append(2)
    thing.lines.append({"product": "nail"})
    session.commit()
    session.expire_all()
    assert thing.tags == ["a", "b"]
    assert thing.options == {"deep": [1, 2]}
    assert [line.product for line in thing.lines] == ["nail"]
    assert store(session).options == {"deep": [1]}, "the declared default is never changed"


def test_deleting_gives_the_default_back(session: Session) -> None:
    thing = store(session, nested=1, note="x")
    del thing.nested
    del thing.note
    session.commit()
    assert (thing.nested, thing.note) == (7, "")


def test_place_in_the_document(session: Session) -> None:
    thing = store(session, moved="x", nested=1, text="y")
    del thing.data["ticket"]
    assert thing.data == {"other": "x", "deep": {"down": 1}, "text": "y"}
    thing.data["deep"] = 5
    with pytest.raises(ValueError, match="something else"):
        thing.nested = 3
    assert thing.nested == 7


def test_same_value_writes_nothing(session: Session) -> None:
    thing = store(session, text="a", anything=[1])
    thing.text = "a"
    thing.anything = [1]
    assert not session.is_modified(thing)
    thing.anything = [True]
    session.commit()
    assert thing.anything == [True]
    assert thing.anything[0] is True


ORDERED = {
    "amount": [-(2**60), -1, 0, 2, 10, 2**60] ,
    "rate": [-1e300, -2.5, 0.1, 3.0, 10.0],
    "price": [Decimal("-1"), Decimal("2.5"), Decimal("9"), Decimal("10.00")],
    "due_date": [dt.date(1, 1, 1), dt.date(999, 12, 31), dt.date(2026, 1, 1)],
    "moment": [
        dt.datetime(2026, 1, 1, 3, tzinfo=EAST),
        dt.datetime(2026, 1, 1, 1, tzinfo=UTC),
        dt.datetime(2026, 1, 1, 1, 0, 0, 1, tzinfo=UTC),
    ],
    "clock": [dt.time(0), dt.time(9, 5), dt.time(9, 5, 0, 1), dt.time(10)],
    "wait": [dt.timedelta(-1), dt.timedelta(0), dt.timedelta(seconds=9.5), dt.timedelta(400)],
    "stars": [1, 2, 3],
    "text": ["a", "b"],
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERED)
def test_order_and_limits(session: Session, name: str) -> None:
    values = [value for value in ORDERED[name] if name != "amount" or value >= 0]
    for value in reversed(values):
        store(session, **{name: value})
    column = getattr(Order, name)
    assert [getattr(thing, name) for thing in session.scalars(select(Order).order_by(column))] == values
    assert [
        getattr(t, name)
        for t in session.scalars(select(Order).where(column > values[0]).order_by(column.desc()))
    ] == (values[:0:-1])
    assert len(session.scalars(select(Order).where(column.between(values[0], values[-1]))).all()) == len(
        values
    )


def test_flag_alone_is_a_criterion(session: Session) -> None:
    yes, no = store(session, approved=True), store(session, checked=False)
    assert session.scalars(select(Order).where(Order.approved)).all() == [yes]
    assert session.scalars(select(Order).where(Order.approved == True)).all() == [yes]  # noqa: E712
    assert session.scalars(select(Order).where(Order.approved.is_(True))).all() == [yes]
    assert session.scalars(select(Order).where(~Order.approved)).all() == [no]
    assert session.scalars(select(Order).where(Order.checked == False)).all() == [no]  # noqa: E712
    assert session.scalars(select(Order).where(Order.approved & (Order.text == None))).all() == [yes]  # noqa: E711


def test_text_expressions(session: Session) -> None:
    thing = store(session, text="Hello World")
    for criterion in (
        Order.text.like("%World"),
        Order.text.ilike("hello%"),
        Order.text.contains("lo Wo"),
        Order.text.startswith("Hello"),
        Order.text + "!" == "Hello World!",
    ):
        assert session.scalars(select(Order).where(criterion)).all() == [thing]
    assert session.execute(select(Order.text, Order.id)).one().text == "Hello World"
    assert session.scalars(select(Order).filter_by(text="Hello World")).all() == [thing]


def test_statement_can_be_printed() -> None:
    query = select(Order).where(Order.approved, Order.tags == ["a"]).order_by(Order.amount, Order.text)
    assert "json_number_of" in str(query)


def test_numbers_compute(session: Session) -> None:
    thing = store(session, amount=4, price=Decimal("2.5"))
    assert session.scalars(select(Order).where(Order.amount + 1 == 5, Order.price * 2 > 4)).all() == [thing]
    assert session.scalars(select(Order).where(Order.amount > Order.price)).all() == [thing]
    assert session.scalars(select(Order).where(Order.amount > 3.5)).all() == [thing]


def test_alias_and_inheritance(session: Session) -> None:
    one, two = store(session, text="x", amount=1), store(session, text="x", amount=2)
    other = aliased(Order)
    query = select(Order.amount, other.amount).join(
        other, (other.text == Order.text) & (other.amount > Order.amount)
    )
    assert session.execute(query).all() == [(1, 2)]
    joined = store(session, JoinedOrder, text="z", extra="e", place="here")
    assert session.scalars(
        select(JoinedOrder).where(JoinedOrder.text == "z", JoinedOrder.extra == "e")
    ).all() == [joined]
    assert session.scalars(select(Order).where(Order.text == "z")).all() == [joined]
    assert {one.id, two.id, joined.id} == set(session.scalars(select(Order.id)))


def test_fields_of() -> None:
    fields = jsonstore.fields_of(JoinedOrder)
    assert list(fields)[:2] == ["text", "note"]
    assert list(fields)[-1] == "extra"
    text = fields["text"]
    assert (text.name, text.label, text.required, text.help_text) == ("text", "Message", True, "What to say")
    assert fields["due_date"].label == "Due date"
    assert fields["size"].choices == [("s", "Small"), ("l", "Large")]
    assert fields["stars"].choices == [(1, "1"), (2, "2"), (3, "3")]
    assert fields["colour"].choices == [("red", "Red"), ("blue", "Dark blue")]
    assert fields["colour"].python_type is Colour
    assert (fields["note"].default, fields["amount"].default) == ("", None)
    assert Line.product is jsonstore.fields_of(Line)["product"]


# -- documents


def test_change_at_any_depth_is_stored(session: Session) -> None:
    thing = store(session)
    thing.data = {"a": {"b": [1]}}
    session.commit()
    thing.data["a"]["b"].append({"c": []})
    session.commit()
    thing.data["a"]["b"][1]["c"] += [2]
    session.commit()
    session.expire_all()
    assert thing.data == {"a": {"b": [1, {"c": [2]}]}}
    thing.data |= {"x": 1}
    thing.data["a"]["b"][0:1] = [{"n": 0}]
    thing.data["a"]["b"][0].update(n=5)
    session.commit()
    assert thing.data == {"a": {"b": [{"n": 5}, {"c": [2]}]}, "x": 1}
    thing.data["a"].setdefault("s", {})["t"] = 1
    thing.data.pop("x")
    session.commit()
    assert thing.data["a"]["s"] == {"t": 1}
    assert "x" not in thing.data


def test_replaced_part_is_no_longer_tracked(session: Session) -> None:
    thing = store(session)
    thing.data["a"] = {"b": []}
    old = thing.data["a"]["b"]
    thing.data["a"] = {}
    session.commit()
    assert thing.data["a"] == {}
    old.append(1)
    assert not session.dirty


def test_part_put_into_another_document_is_a_copy(session: Session) -> None:
    one, two = store(session), store(session)
    one.data["list"] = [1]
    two.data["list"] = one.data["list"]
    two.data["list"].append(2)
    assert one.data["list"] == [1]


def test_copies_and_pickles(session: Session) -> None:
    thing = store(session, anything={"a": [1]}, text="x")
    for duplicate in (copy.deepcopy(thing.data), copy.copy(thing.data), jsonstore.plain(thing.data)):
        assert duplicate == thing.data
        assert type(duplicate) is dict
    assert type(copy.deepcopy(thing.data)["anything"]["a"]) is list
    again = pickle.loads(pickle.dumps(thing))
    again.data["anything"]["a"].append(2)
    session.expunge_all()
    session.add(again)
    assert again in session.dirty
    session.commit()
    assert again.anything == {"a": [1, 2]}


@pytest.mark.parametrize(
    "value", [float("nan"), Strange(), "\0", {1: 2}, {"a": [dt.date(2026, 1, 1)]}, 10**2000]
)
def test_document_refuses_what_is_not_json(value: Any) -> None:
    thing = Order(data={})
    with pytest.raises(ValueError):
        thing.data["x"] = value
    with pytest.raises(ValueError):
        thing.data.update(y=1, x=value)
    assert thing.data == {}


def test_messages_are_made_storable() -> None:
    assert jsonstore.storable("a\0b\ud800c") == "a\ufffdb\ufffdc"


# -- references


def test_reference(session: Session) -> None:
    alice, bob = Person(name="alice"), Person(name="bob")
    session.add_all([alice, bob])
    session.flush()
    thing = store(session, person=alice, people=[bob, alice])
    assert thing.person.name == "alice"
    assert [person.name for person in thing.people] == ["bob", "alice"]
    assert thing.data["person"] == alice.id
    for criterion in (
        Order.person == thing.person,
        Order.person == alice.id,
        Order.person.in_([thing.person]),
    ):
        assert session.scalars(select(Order).where(criterion)).all() == [thing]
    assert session.scalars(select(Order).where(Order.person != thing.person)).all() == []
    thing.people.append(thing.person)
    thing.people.remove(session.get(Person, bob.id))
    session.commit()
    assert [person.name for person in thing.people] == ["alice", "alice"]
    thing.people[0] = session.get(Person, bob.id)
    session.delete(session.get(Person, alice.id))
    session.commit()
    assert thing.person is None
    assert [person.name for person in thing.people] == ["bob"]


def test_list_of_references_takes_one_query(session: Session, engine: Any) -> None:
    from sqlalchemy import event

    thing = store(session, people=[])
    thing.people = [Person(name=str(number)) for number in range(5)]
    session.commit()
    session.refresh(thing)
    for person in thing.people:
        session.expunge(person)
    statements: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert [person.name for person in thing.people] == list("01234")
    assert len(statements) == 1


def test_unstored_object_is_stored_with_its_owner(session: Session) -> None:
    thing = store(session)
    thing.person = Person(name="carol")
    thing.token = Token()
    session.commit()
    assert thing.person.name == "carol"
    assert isinstance(thing.token.id, uuid.UUID)
    assert session.scalars(select(Order).where(Order.token == thing.token)).all() == [thing]
    assert session.scalars(select(Order).where(Order.token == thing.token.id)).all() == [thing]
    with pytest.raises(ValueError, match="no key yet"):
        Order().person = Person(name="dave")


def test_reference_without_a_session() -> None:
    alice = Person(id=5, name="alice")
    thing = Order(person=alice, people=[alice])
    assert thing.person is alice
    assert thing.people == [alice]


# -- schemas


def test_embedded(session: Session) -> None:
    line = Line()
    line.product = "nail"
    thing = store(
        session, address={"street": "Main", "data": 3}, lines=[line, {"product": "screw", "count": 0}]
    )
    assert (thing.address.street, thing.address.data) == ("Main", 3)
    assert [(line.product, line.count) for line in thing.lines] == [("nail", 1), ("screw", 0)]
    thing.address.street = "Side"
    thing.address.lines.append({"product": "a"})
    thing.lines[0].until = dt.date(2026, 1, 1)
    thing.lines.append(line)
    line.count = 9
    session.commit()
    session.expire_all()
    assert thing.address.street == "Side"
    assert thing.address.lines[0].product == "a"
    assert thing.lines[0].until == dt.date(2026, 1, 1)
    assert len(thing.lines) == 3
    thing.lines.remove(thing.lines[1])
    thing.lines[0] = {"product": "first"}
    session.commit()
    session.expire_all()
    assert [line.product for line in thing.lines] == ["first", "nail"]
    thing.lines[1].buyer = Person(name="alice")
    session.commit()
    assert thing.lines[1].buyer.name == "alice"
    assert thing.address == thing.address
    assert thing.address is thing.address


def test_instance_assigned_stays_connected(session: Session) -> None:
    thing = store(session)
    address = Address(street="Main")
    thing.address = address
    address.street = "Side"
    line = Line()
    thing.lines.append(line)
    line.product = "nail"
    session.commit()
    session.expire_all()
    assert thing.address.street == "Side"
    assert thing.lines[0].product == "nail"
    other = store(session, address=thing.address)
    other.address.street = "Third"
    assert thing.address.street == "Side"


@pytest.mark.parametrize("json_key", ["", 'a"b', (), ("a", ""), ("a", "b,c"), ("null",), 5])
def test_wrong_key_is_refused(json_key: Any) -> None:
    with pytest.raises(ValueError, match="json_key"):
        jsonstore.StringField(json_key=json_key)


def test_uuids_join_with_columns(session: Session) -> None:
    token = Token()
    session.add(token)
    session.commit()
    order = store(session, token=token, number=token.id)
    for column in (Order.token, Order.number):
        assert session.scalars(select(Order).join(Token, column == Token.id)).all() == [order]
    for criterion in (Order.token == token, Order.token.in_([token]), Order.number == str(token.id)):
        assert session.scalars(select(Order).where(criterion)).all() == [order]
    assert session.scalar(select(Order.number)) == token.id


def test_sql_finds_what_stands_in_a_list(session: Session) -> None:
    anna, bert = people = [Person(id=1, name="Anna"), Person(id=11, name="Bert")]
    session.add_all(people)
    first = store(session, people=[anna], tags=["new", 5], anything=[{"a": 1}])
    second = store(session, people=[bert, anna], tags=None)
    third = store(session)
    for criterion, expected in (
        (Order.people.contains(anna), [first, second]),
        (Order.people.contains(bert), [second]),
        (Order.tags.contains("new"), [first]),
        (Order.tags.contains(5), [first]),
        (~Order.tags.contains("new"), [second, third]),
        (Order.options["deep"].as_json() == [1], [first, second, third]),
    ):
        assert session.scalars(select(Order).where(criterion).order_by(Order.id)).all() == expected


def test_fields_of_an_embedded_document_in_sql(session: Session) -> None:
    first = store(session, address={"street": "High Street", "data": 10})
    second = store(session, address={"data": 9})
    store(session)
    street, number = Order.address["street"], Order.address["data"]
    assert session.scalars(select(Order).where(street.like("High%"))).all() == [first]
    assert session.scalars(select(Order).where(number > 8).order_by(number)).all() == [second, first]
    assert session.scalars(select(number).where(street.is_(None), number.is_not(None))).all() == [9]
    with pytest.raises(KeyError, match="it has street, lines, data"):
        Order.address["town"]


def test_documents_are_equal_in_any_order_of_their_keys(session: Session) -> None:
    order = store(session, address={"data": 1, "street": "x"}, anything={"b": {"y": 1, "x": 2}, "a": 3})
    assert session.scalars(select(Order).where(Order.address == Address(street="x", data=1))).all() == [order]
    assert session.scalars(select(Order).where(Order.anything == {"a": 3, "b": {"x": 2, "y": 1}})).all() == [
        order
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nested", [(7, 2), (8, 1)]),
        ("size", [("s", 3)]),
        ("rate", [(0.5, 3)]),
        ("note", [("100% 'sure'", 1), ("", 2)]),
        ("options", [({"deep": [1]}, 3)]),
    ],
)
def test_rows_are_counted_by_a_field(session: Session, name: str, expected: list[Any]) -> None:
    store(session, nested=8)
    store(session, note="100% 'sure'")
    store(session)
    query = select(getattr(Order, name), func.count()).group_by(getattr(Order, name))
    counted = session.execute(query).all()
    assert sorted(map(tuple, counted), key=str) == sorted(expected, key=str)


def test_a_sum_of_money_shows_no_noise(session: Session) -> None:
    for price in ("0.1", "0.2", "0.3"):
        store(session, price=Decimal(price))
    assert session.scalar(select(func.sum(Order.price))) == Decimal("0.6")
