"""The generated forms: what they show, what they take, what they refuse."""

from __future__ import annotations

import datetime as dt
import enum
import re
import uuid
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import DateTime, Enum, ForeignKey, Interval, LargeBinary, Numeric, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship
from werkzeug.datastructures import FileStorage, MultiDict

from portal import jsonstore
from portal.errors import FlowError, InvalidForm
from portal.models.base import UTCDateTime, db
from portal.web.display.durations import format_duration, parse_duration
from portal.web.forms.build import artifact_form, needs_upload, populate, process_form
from portal.web.forms.formdata import entries


class Colour(enum.Enum):
    RED = "red"
    DARK_BLUE = "blue"


class FormPerson(db.Model):
    __tablename__ = "form_person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))

    def __str__(self) -> str:
        return self.name


class Line:
    product = jsonstore.StringField(max_length=10, required=True)
    count = jsonstore.IntegerField(default=1)
    moment = jsonstore.DateTimeField()


class FormRecord(db.Model):
    __tablename__ = "form_record"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="record")
    data: Mapped[dict[str, Any]] = mapped_column(jsonstore.document(), default=dict)
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "record"}

    title = jsonstore.StringField("Title", required=True, max_length=10, help_text="Short & <clear>")
    note = jsonstore.TextField()
    blank = jsonstore.StringField(default="")
    approved = jsonstore.BooleanField(required=True)
    amount = jsonstore.IntegerField(minimum=0, maximum=100, required=True)
    rate = jsonstore.FloatField()
    price = jsonstore.DecimalField(max_digits=8, decimal_places=2)
    day = jsonstore.DateField()
    moment = jsonstore.DateTimeField()
    clock = jsonstore.TimeField()
    wait = jsonstore.DurationField()
    number = jsonstore.UUIDField()
    mail = jsonstore.EmailField()
    page = jsonstore.URLField()
    size = jsonstore.ChoiceField(choices=[("s", "Small"), ("l", "Large")])
    stars = jsonstore.ChoiceField(choices=[1, 2, 3], default=2, required=True)
    colour = jsonstore.ChoiceField(choices=Colour)
    anything = jsonstore.JSONField()
    raw = jsonstore.BinaryField(max_length=20)
    person = jsonstore.ReferenceField(FormPerson)
    people = jsonstore.ReferenceListField(FormPerson)
    main = jsonstore.EmbeddedField(Line)
    lines = jsonstore.EmbeddedListField(Line)
    timezone = jsonstore.StringField()
    errors = jsonstore.StringField()


class JoinedFormRecord(FormRecord):
    __tablename__ = "joined_form_record"
    __mapper_args__ = {"polymorphic_identity": "joined"}
    id: Mapped[int] = mapped_column(ForeignKey("form_record.id"), primary_key=True)
    place: Mapped[str] = mapped_column(String(5), doc="Where it is")
    floor: Mapped[int | None]


class Artifact(db.Model):
    __tablename__ = "form_artifact"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(10))
    remark: Mapped[str | None] = mapped_column(Text)
    empty: Mapped[str] = mapped_column(default="")
    active: Mapped[bool]
    shown: Mapped[bool] = mapped_column(server_default=text("true"))
    count: Mapped[int] = mapped_column(server_default="7")
    share: Mapped[float | None]
    price: Mapped[Decimal] = mapped_column(Numeric(6, 2), default=Decimal("1.50"))
    day: Mapped[dt.date] = mapped_column(default=lambda: dt.date(2026, 1, 1))
    clock: Mapped[dt.time | None]
    moment: Mapped[dt.datetime | None] = mapped_column(UTCDateTime)
    naive: Mapped[dt.datetime | None] = mapped_column(DateTime)
    wait: Mapped[dt.timedelta | None] = mapped_column(Interval)
    key: Mapped[uuid.UUID | None]
    colour: Mapped[Colour]
    word: Mapped[str | None] = mapped_column(Enum("one", "two", name="words"))
    settings: Mapped[dict[str, Any] | None] = mapped_column(jsonstore.document())
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("form_person.id"))
    person: Mapped[FormPerson | None] = relationship()


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="test", WTF_CSRF_ENABLED=False, SQLALCHEMY_DATABASE_URI="sqlite://", TESTING=True
    )
    db.init_app(app)
    return app


@pytest.fixture(autouse=True)
def request_context(app: Flask) -> Iterator[None]:
    models = (FormPerson, FormRecord, JoinedFormRecord, Artifact)
    tables = [model.__table__ for model in models]
    with app.test_request_context(method="POST"):
        db.metadata.create_all(db.engine, tables=tables)
        yield
        db.session.rollback()
        db.metadata.drop_all(db.engine, tables=tables)


def bind(form_class: Any, obj: Any = None, zone: Any = None, **data: Any) -> Any:
    pairs = [
        (key, item) for key, value in data.items() for item in (value if isinstance(value, list) else [value])
    ]
    form = form_class(MultiDict(pairs) if data else None, obj=obj)
    if zone is not None:
        form.timezone = zone
    return form


def record_form(*names: str) -> Any:
    return process_form(FormRecord, names)


READ = [
    ("title", " Hello ", "Hello"),
    ("title", "", "required"),
    ("title", "   ", "required"),
    ("title", "x" * 11, "At most 10"),
    ("title", "a\0b", "cannot be stored"),
    ("title", "\ud800", "cannot be stored"),
    ("note", "a\r\nb", "a\nb"),
    ("note", "  ", None),
    ("blank", "", ""),
    ("amount", "0", 0),
    ("amount", "+5", 5),
    ("amount", "", "required"),
    ("amount", " ", "required"),
    ("amount", "1.5", "not a whole number"),
    ("amount", "1_0", "not a whole number"),
    ("amount", "101", "At most 100"),
    ("amount", "-1", "At least 0"),
    ("amount", "9" * 25, "too large"),
    ("amount", "9" * 5000, "too large"),
    ("amount", "NaN", "not a whole number"),
    ("rate", "1,5", 1.5),
    ("rate", "-1e3", -1000.0),
    ("rate", "NaN", "not a number"),
    ("rate", "Infinity", "not a number"),
    ("rate", "1e999", "too large"),
    ("rate", "", None),
    ("price", "12,50", Decimal("12.50")),
    ("price", "1.234,50", Decimal("1234.50")),
    ("price", "1,234.50", Decimal("1234.50")),
    ("price", "1.005", "decimal places"),
    ("price", "9" * 200, "too many digits"),
    ("price", "1e5", "not a number"),
    ("price", "sNaN", "not a number"),
    ("day", "2026-02-28", dt.date(2026, 2, 28)),
    ("day", "2026-02-30", "not a date"),
    ("day", "20260228", "not a date"),
    ("clock", "14:30", dt.time(14, 30)),
    ("clock", "14:30:05.5", dt.time(14, 30, 5, 500000)),
    ("clock", "25:00", "not a time"),
    ("moment", "2026-01-02T03:04", dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)),
    ("moment", "2026-01-02", "not a date and time"),
    ("wait", "2 days 3:00", dt.timedelta(days=2, hours=3)),
    ("wait", "PT90M", dt.timedelta(minutes=90)),
    ("wait", "soon", "not a length of time"),
    ("wait", "999999999999 days", "not a length|too long"),
    ("number", "00000000-0000-0000-0000-000000000005", uuid.UUID(int=5)),
    ("number", "5", "not a UUID"),
    ("mail", "alice@example.test", "alice@example.test"),
    ("mail", "alice", "not a mail address"),
    ("page", "https://example.test", "https://example.test"),
    ("page", "javascript:alert(1)", "not a web address"),
    ("size", "l", "l"),
    ("size", "", None),
    ("size", "m", "Not a valid choice"),
    ("stars", "3", 3),
    ("stars", "", "required"),
    ("colour", "blue", Colour.DARK_BLUE),
    ("anything", '{"a": [1, null]}', {"a": [1, None]}),
    ("anything", "{", "not JSON: line 1"),
    ("anything", "[NaN]", "NaN is not a number"),
    ("anything", '"\\u0000"', "cannot be stored"),
    ("anything", "[" * 100_000, "nested too deeply"),
    ("anything", "9" * 5000, "."),
    ("person", "77", "Not a valid choice"),
    ("person", "9" * 30, "Not a valid choice"),
    ("person", "x", "Not a valid choice"),
    ("person", "", None),
]


@pytest.mark.parametrize(("name", "entered", "expected"), READ)
def test_entered_text(name: str, entered: str, expected: Any) -> None:
    form = bind(record_form(name), **{name: entered})
    field = form[name]
    valid = form.validate()
    assert str(field()).encode()  # an invalid form is shown again
    if valid:
        assert field.data == expected
        assert type(field.data) is type(expected)
        record = FormRecord()
        assert populate(form, record)
        assert getattr(record, name) == expected
    else:
        assert isinstance(expected, str)
        assert re.search(expected, field.errors[0])


@pytest.mark.parametrize("name", [name for name in jsonstore.fields_of(FormRecord) if name != "errors"])
@pytest.mark.parametrize(
    "entered", ["", "\0", "\ud800", "x" * 10_000, "-1", "٣", "1e400", "NaN", "²", "__None", "{}"]
)
def test_nothing_entered_is_an_exception(name: str, entered: str) -> None:
    for data in ({name: entered}, {f"{name}-0-product": entered}, {f"{name}-{entered}-product": "x"}):
        form = bind(record_form(name), **data)
        if form.validate():
            populate(form, FormRecord())
        str(form[name]()).encode()


def test_what_is_shown() -> None:
    form = record_form(*[name for name in jsonstore.fields_of(FormRecord) if name != "errors"])(None)
    title = str(form["title"]())
    assert 'maxlength="10"' in title
    assert "required" in title
    assert form["title"].label.text == "Title"
    assert str(form["title"].description) == "Short &amp; &lt;clear&gt;"
    for name, kind in {
        "amount": 'type="number"',
        "rate": 'type="text"',
        "price": 'inputmode="decimal"',
        "day": 'type="date"',
        "moment": 'type="datetime-local"',
        "clock": 'type="time"',
        "mail": 'type="email"',
        "page": 'type="url"',
        "note": "<textarea",
        "size": "<select",
        "raw": 'type="file"',
        "approved": 'type="checkbox"',
        "anything": "<textarea",
        "people": "multiple",
    }.items():
        assert kind in str(form[name]()), name
    assert 'max="100"' in str(form["amount"]())
    assert 'min="0"' in str(form["amount"]())
    assert "required" not in str(form["approved"]()), "an unticked box is an answer"
    assert not form["approved"].flags.required
    assert 'value="">Choose' in str(form["size"]())
    assert "Choose" not in str(form["stars"]())
    assert 'selected value="2"' in str(form["stars"]())
    assert form["number"].label.text == "Number"
    assert needs_upload(form)
    assert not needs_upload(record_form("title", "lines")(None))


@pytest.mark.parametrize(
    ("entered", "expected"), [("y", True), ("on", True), (None, False), ("false", False), ("False", False)]
)
def test_box(entered: str | None, expected: bool) -> None:
    data = {"approved": entered} if entered is not None else {"other": "x"}
    form = bind(record_form("approved"), FormRecord(approved=True), **data)
    assert form.validate()
    assert form.approved.data is expected


def test_field_that_was_not_sent_stays() -> None:
    record = FormRecord(title="old", day=dt.date(2026, 1, 1), lines=[{"product": "nail"}])
    form = bind(record_form("title", "day", "lines", "note"), record, note="new")
    assert form.validate()
    assert populate(form, record)
    assert (record.title, record.day, record.note) == ("old", dt.date(2026, 1, 1), "new")
    assert [line.product for line in record.lines] == ["nail"]


BERLIN = ZoneInfo("Europe/Berlin")


def test_moment_in_the_zone_of_the_form() -> None:
    record = FormRecord(moment=dt.datetime(2026, 7, 1, 10, 0, 0, 123456, tzinfo=dt.UTC))
    form_class = record_form("moment")
    shown = form_class(None, obj=record, meta={"timezone": BERLIN})
    assert 'value="2026-07-01T12:00:00.123"' in str(shown.moment())
    assert 'step="any"' in str(shown.moment())
    entered = bind(form_class, record, zone=BERLIN, moment="2026-07-01T10:00:00.123")
    assert entered.moment.data == dt.datetime(2026, 7, 1, 8, 0, 0, 123000, tzinfo=dt.UTC)
    untouched = bind(form_class, record, zone=BERLIN, moment="2026-07-01T12:00:00.123")
    assert untouched.validate()
    assert untouched.moment.data == record.moment, "the part that is not shown is kept"
    gap = bind(form_class, zone=BERLIN, moment="2026-03-29T02:30")
    assert not gap.validate()
    assert "does not exist" in gap.moment.errors[0]
    early = bind(form_class, zone=BERLIN, moment="0001-01-01T00:00")
    assert not early.validate()


def test_upload() -> None:
    form = bind(record_form("raw"), raw=FileStorage(BytesIO(b"content"), filename="a.txt"))
    record = FormRecord()
    assert form.validate()
    assert populate(form, record)
    assert record.raw == b"content"
    again = bind(record_form("raw"), record, raw=FileStorage(BytesIO(b""), filename=""))
    assert again.validate()
    assert again.raw.data == b"content", "no file chosen: the old one stays"
    large = bind(record_form("raw"), raw=FileStorage(BytesIO(bytes(21)), filename="a"))
    assert not large.validate()
    assert "At most 20" in large.raw.errors[0]


def test_references() -> None:
    alice, bob = FormPerson(name="alice"), FormPerson(name="bob")
    db.session.add_all([alice, bob])
    db.session.flush()
    form_class = record_form("person", "people")
    shown = form_class(None, obj=FormRecord(person=bob))
    assert f'<option selected value="{bob.id}">bob</option>' in str(shown.person())
    form = bind(form_class, person=str(alice.id), people=[str(alice.id), str(bob.id)])
    record = FormRecord()
    db.session.add(record)
    assert form.validate()
    assert populate(form, record)
    assert record.person is alice
    assert list(record.people) == [alice, bob]


def test_group_of_inputs() -> None:
    form_class = record_form("main")
    record = FormRecord()
    assert populate(bind(form_class, **{"main-product": "", "main-count": "1"}), record)
    assert record.main is None
    form = bind(form_class, **{"main-product": "", "main-count": "2"})
    assert not form.validate()
    assert form.errors["main"]["product"] == ["This field is required."]
    form = bind(form_class, **{"main-product": "nail", "main-count": "2", "main-moment": "2026-01-01T00:00"})
    assert form.validate()
    assert populate(form, record)
    assert (record.main.product, record.main.count) == ("nail", 2)
    assert 'value="nail"' in str(form_class(None, obj=record).main())


def test_rows_of_inputs() -> None:
    form_class = record_form("lines")
    assert len(form_class(None).lines.entries) == 1
    record = FormRecord(lines=[{"product": "nail"}, {"product": "screw", "count": 3}])
    shown = form_class(None, obj=record)
    assert [entry.label.text for entry in shown.lines] == ["Lines 1", "Lines 2", "Lines 3"]
    data = {
        "lines-0-product": "nut",
        "lines-0-count": "1",
        "lines-7-product": "",
        "lines-7-count": "1",
        "lines-9-product": "bolt",
        "lines-9-count": "",
    }
    form = bind(form_class, record, **data)
    assert form.validate()
    assert populate(form, record)
    assert [(line.product, line.count) for line in record.lines] == [("nut", 1), ("bolt", None)]
    wrong = bind(form_class, record, **{"lines-0-product": "x" * 11, "lines-0-count": "1"})
    assert not wrong.validate()
    assert "At most 10" in wrong.errors["lines"][0]["product"][0]
    assert "At most" in str(wrong.lines.entries[0].product.errors)


def test_validators_of_fields_are_asked() -> None:
    def even(value: int) -> None:
        if value % 2:
            raise ValueError("An even number is needed.")

    class Checked(FormRecord):
        __mapper_args__ = {"polymorphic_identity": "checked"}
        number_of = jsonstore.IntegerField(validators=[even])

    form = bind(process_form(Checked, ["number_of"]), number_of="3")
    assert not form.validate()
    assert form.number_of.errors == ["An even number is needed."]


def test_refused_assignment_is_an_error_of_the_form() -> None:
    form = bind(record_form("title"), title="Hello")
    assert form.validate()

    class Stubborn:
        @property
        def title(self) -> str:
            return ""

        @title.setter
        def title(self, value: str) -> None:
            raise ValueError("Not this one.")

    assert populate(form, Stubborn()) is False
    assert form.errors == {"title": ["Not this one."]}


def test_only_the_fields_of_the_form_are_written() -> None:
    record = FormRecord(title="a", note="b", kind="record")
    form = bind(record_form("title"), record, title="c", note="hacked", kind="hacked")
    assert form.validate()
    assert populate(form, record)
    assert (record.title, record.note, record.kind) == ("c", "b", "record")


@pytest.mark.parametrize("name", ["nothing", "id", "kind", "data", "errors"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(FlowError, match=f"FormRecord.*{name}"):
        process_form(FormRecord, [name])
    with pytest.raises(FlowError, match="title"):
        process_form(JoinedFormRecord, ["nothing"])


def test_forms_are_made_once() -> None:
    assert record_form("title", "note") is process_form(FormRecord, ["title", "note"])
    assert [field.name for field in record_form("note", "title")(None)] == ["note", "title"]


def test_columns_of_a_joined_table() -> None:
    form_class = process_form(JoinedFormRecord, ["place", "floor", "title"])
    form = bind(form_class, place="x" * 6, floor="", title="t")
    assert not form.validate()
    assert "At most 5" in form.place.errors[0]
    assert str(form.place.description) == "Where it is"
    form = bind(form_class, place="x", floor="", title="t")
    record = JoinedFormRecord()
    assert form.validate()
    assert populate(form, record)
    assert (record.place, record.floor, record.title) == ("x", None, "t")


ALL = [*(name for name, _ in Artifact.__mapper__.columns.items() if name != "id"), "person"]


def test_artifact_form_shows_defaults() -> None:
    form = artifact_form(Artifact, ALL)(None)
    shown = {name: form[name].data for name in ("empty", "shown", "count", "price", "day")}
    assert shown == {
        "empty": "",
        "shown": True,
        "count": 7,
        "price": Decimal("1.50"),
        "day": dt.date(2026, 1, 1),
    }
    required = {name for name in ALL if form[name].flags.required}
    assert required == {"name", "count", "price", "day", "colour"}
    assert 'maxlength="10"' in str(form.name())
    assert "Choose" in str(form.colour())


ENTERED = {
    "name": "Thing",
    "remark": "",
    "empty": "",
    "count": "3",
    "share": "0.5",
    "price": "2,50",
    "day": "2026-02-01",
    "clock": "10:00",
    "moment": "2026-02-01T10:00",
    "naive": "2026-02-01T10:00",
    "wait": "1:30",
    "key": "00000000-0000-0000-0000-000000000001",
    "colour": "blue",
    "word": "two",
    "settings": '{"a": 1}',
}


def test_artifact_is_stored() -> None:
    alice = FormPerson(name="alice")
    db.session.add(alice)
    db.session.flush()
    names = [name for name in ALL if name not in ("person_id", "content")]
    form = bind(artifact_form(Artifact, names), zone=BERLIN, **ENTERED, person=str(alice.id))
    assert form.validate(), form.errors
    artifact = Artifact()
    assert populate(form, artifact)
    db.session.add(artifact)
    db.session.flush()
    db.session.refresh(artifact)
    assert (artifact.remark, artifact.empty, artifact.active, artifact.shown) == (None, "", False, False)
    assert (artifact.price, artifact.wait, artifact.word) == (
        Decimal("2.50"),
        dt.timedelta(minutes=90),
        "two",
    )
    assert artifact.moment == dt.datetime(2026, 2, 1, 9, tzinfo=dt.UTC)
    assert artifact.naive == dt.datetime(2026, 2, 1, 9)
    assert (artifact.colour, artifact.settings, artifact.person) == (Colour.DARK_BLUE, {"a": 1}, alice)
    shown = artifact_form(Artifact, names)(None, obj=artifact, meta={"timezone": BERLIN})
    assert 'value="2026-02-01T10:00"' in str(shown.naive())
    assert 'selected value="blue"' in str(shown.colour())


@pytest.mark.parametrize(
    ("name", "entered", "words"),
    [
        ("name", "", "required"),
        ("name", "x" * 11, "At most 10"),
        ("count", str(2**31), "At most"),
        ("price", "12345.00", "digits before"),
        ("price", "1.005", "decimal places"),
        ("colour", "green", "choice"),
        ("word", "three", "choice"),
        ("key", "x", "UUID"),
        ("settings", "5", "mapping|JSON|takes"),
        ("person", "99", "choice"),
    ],
)
def test_artifact_form_refuses(name: str, entered: str, words: str) -> None:
    form = bind(artifact_form(Artifact, [name]), **{name: entered})
    assert not (form.validate() and populate(form, Artifact()))
    assert re.search(words, form[name].errors[0])


def test_artifact_form_names_what_it_knows() -> None:
    with pytest.raises(FlowError, match=r"Artifact has no field 'nothing'.*remark"):
        artifact_form(Artifact, ["nothing"])


def test_values_as_entries() -> None:
    values = {
        "title": "Hi",
        "approved": True,
        "amount": 5,
        "price": Decimal("1.50"),
        "day": dt.date(2026, 1, 1),
        "moment": dt.datetime(2026, 1, 1, 1, 2, 3, 4, tzinfo=dt.UTC),
        "wait": dt.timedelta(days=1),
        "size": None,
        "stars": 1,
        "colour": Colour.RED,
        "anything": {"a": 1},
        "raw": b"x",
        "main": {"product": "nail"},
        "lines": [{"product": "a", "count": 2}, {"product": "b"}],
    }
    form_class = record_form(*values)
    form = form_class(entries(form_class, values))
    record = FormRecord()
    assert form.validate(), form.errors
    assert populate(form, record)
    for name, value in values.items():
        if name not in ("main", "lines"):
            assert getattr(record, name) == value
    assert [(line.product, line.count) for line in record.lines] == [("a", 2), ("b", 1)]
    with pytest.raises(InvalidForm, match="nothing"):
        entries(form_class, {"nothing": 1})


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("3:00", 3),
        ("2 days", 48),
        ("2 days 3:00", 51),
        ("1d 0:30", 24.5),
        ("0:05:30", 5.5 / 60),
        ("-1 day 1:00", -25),
        ("P1DT2H", 26),
        ("P2W", 336),
        ("-PT30M", -0.5),
        ("90 minutes", 1.5),
        ("1 h 30 min", 1.5),
        ("1,5 hours", 1.5),
        ("1 week and 1 day", 192),
        ("PT0.5S", 0.5 / 3600),
        ("0:00", 0),
    ],
)
def test_durations(written: str, hours: float) -> None:
    value = parse_duration(written)
    assert value == dt.timedelta(hours=hours)
    assert parse_duration(format_duration(value)) == value


@pytest.mark.parametrize("written", ["", "5", "P", "PT", "1:60", "1 dog", "-", "days", "1:00:00:00"])
def test_no_durations(written: str) -> None:
    with pytest.raises(ValueError, match="length of time"):
        parse_duration(written)


def test_durations_are_shown_as_people_write_them() -> None:
    assert format_duration(dt.timedelta(days=2, hours=3)) == "2 days 3:00"
    assert format_duration(dt.timedelta(days=-1)) == "-1 day"
    assert format_duration(dt.timedelta(seconds=5, microseconds=250000)) == "0:00:05.25"
    for value in (dt.timedelta.max, dt.timedelta.min + dt.timedelta.resolution, -dt.timedelta.resolution):
        assert parse_duration(format_duration(value)) == value
