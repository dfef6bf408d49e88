"""Two people with one object open: nobody's change is undone by somebody who has not looked at it."""

import datetime as dt
import enum
import re
from decimal import Decimal

import on_each_database
import pytest
from lxml import html
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship
from wtforms import BooleanField, DecimalField, Form, SelectField, StringField, TextAreaField

from portal import flow, jsonstore, this, views
from portal.models import Process, Task, User, db

database_url = on_each_database.database_url


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Town(db.Model):
    __tablename__ = "seen_town"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class House(db.Model):
    __tablename__ = "seen_house"
    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[str]
    rooms: Mapped[int | None]
    sold: Mapped[bool] = mapped_column(default=False)
    town_id: Mapped[int | None] = mapped_column(ForeignKey(Town.id))
    # of a join, PostgreSQL locks no row that may be missing
    town: Mapped[Town | None] = relationship(lazy="joined")


class Part(jsonstore.Schema):
    what = jsonstore.StringField("What")
    pieces = jsonstore.IntegerField("Pieces")


KINDS = {
    "line": jsonstore.StringField("Line"),
    "text": jsonstore.TextField("Text"),
    "tick": jsonstore.BooleanField("Tick"),
    "number": jsonstore.IntegerField("Number"),
    "amount": jsonstore.DecimalField("Amount"),
    "day": jsonstore.DateField("Day"),
    "moment": jsonstore.DateTimeField("Moment"),
    "span": jsonstore.DurationField("Span"),
    "size": jsonstore.ChoiceField("Size", choices=Size),
    "town": jsonstore.ReferenceField(Town, "Town"),
    "towns": jsonstore.ReferenceListField(Town, "Towns"),
    "part": jsonstore.EmbeddedField(Part, "Part"),
    "parts": jsonstore.EmbeddedListField(Part, "Parts"),
    "anything": jsonstore.JSONField("Anything"),
}
MatterProcess = type("MatterProcess", (Process,), {"__module__": __name__, **KINDS})
NAMES = list(KINDS)


class ByHandForm(Form):
    line = StringField("Line")
    text = TextAreaField("Text")
    amount = DecimalField("Amount", places=2)
    tick = BooleanField("Tick")
    size_words = SelectField("Size", choices=["", "s", "l"])


class MatterFlow(flow.Flow):
    process_class = MatterProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=NAMES)).Next(this.both)
    both = flow.Split().Next(this.one).Next(this.two).Next(this.hand)
    one = flow.View(views.UpdateProcessView.as_view(fields=NAMES)).Next(this.end)
    two = flow.View(views.UpdateProcessView.as_view(fields=NAMES)).Next(this.end)
    hand = flow.View(views.UpdateProcessView.as_view(form_class=ByHandForm)).Next(this.end)
    end = flow.End()


class HouseFlow(flow.Flow):
    start = flow.Start(views.CreateArtifactView.as_view(model=House, fields=["street"])).Next(this.both)
    both = flow.Split().Next(this.one).Next(this.two)
    one = flow.View(views.UpdateArtifactView.as_view(fields=["street", "rooms", "sold", "town"])).Next(
        this.end
    )
    two = flow.View(views.UpdateArtifactView.as_view(fields=["street", "rooms", "sold", "town"])).Next(
        this.end
    )
    end = flow.End()


class Deed(Process):
    __tablename__ = "seen_deed"
    place: Mapped[str | None]
    fee: Mapped[int | None]
    note = jsonstore.StringField("Note")
    good = jsonstore.BooleanField("Good", labels=("Approve", "Decline"))


class DeedFlow(flow.Flow):
    process_class = Deed
    start = flow.Start(views.CreateProcessView.as_view(fields=["place"])).Next(this.both)
    both = flow.Split().Next(this.one).Next(this.two)
    one = flow.View(views.UpdateProcessView.as_view(fields=["place", "fee", "note"], decide="good")).Next(
        this.end
    )
    two = flow.View(views.UpdateProcessView.as_view(fields=["place", "fee", "note"], decide="good")).Next(
        this.end
    )
    end = flow.End()


class Window:
    """A form that somebody has open: what it would send, as a browser reads it from the page."""

    def __init__(self, client, task):
        self.client, self.address = client, f"/tasks/{task}/execute"
        self.read(client.get(self.address).text)

    def read(self, page):
        self.page = page
        form = html.fromstring(page.replace("<template>", "<!--").replace("</template>", "-->")).forms
        form = next(each for each in form if each.get("data-draft") is not None)
        self.values = {}
        for name, value in form.form_values():
            self.values.setdefault(name, []).append(value.removeprefix("\n"))
        return self

    def send(self, **changes):
        answer = self.client.post(self.address, data=self.values | changes)
        if answer.status_code != 303:
            self.read(answer.text)
        return answer


@pytest.fixture
def window(client_of, register, people):
    """Opens the form of a node of a flow's process, in a browser of its own."""
    for each in (MatterFlow, HouseFlow, DeedFlow):
        register(each)
    erin = client_of("erin")

    def open_one(process, node):
        query = db.select(Task.id).where(Task.process_id == process.id, Task.flow_task == node)
        task = db.session.scalar(query)
        assert erin.post(f"/tasks/{task}/assign").status_code in (302, 303)
        return Window(erin, task)

    return open_one


@pytest.fixture
def matter(window, people):
    for name in ("Bern", "Chur", "Genf"):
        db.session.add(Town(name=name))
    db.session.commit()
    return make_matter


def make_matter():
    bern, chur, _ = db.session.scalars(db.select(Town).order_by(Town.id))
    return views.submit(
        MatterFlow.start,
        db.session.scalars(db.select(User).where(User.username == "erin")).unique().one(),
        line="a line",
        text="two\nlines",
        tick=True,
        number=7,
        amount=Decimal("1.500"),
        day=dt.date(2030, 1, 1),
        moment=dt.datetime(2030, 1, 1, 10, 0, 30, 5, tzinfo=dt.UTC),
        span=dt.timedelta(hours=5),
        size=Size.SMALL,
        town=bern,
        towns=[bern, chur],
        part={"what": "lid", "pieces": 1},
        parts=[{"what": "lid", "pieces": 1}, {"what": "box"}],
        anything={"a": [1, 2]},
    )


#: what one person sends for each field, and what another does
OTHER = {
    "line": ("theirs", "mine"),
    "text": ("their\r\ntext", "mine"),
    "tick": ([], ["y"]),
    "number": ("8", "9"),
    "amount": ("2.5", "3.5"),
    "day": ("2031-01-01", "2032-01-01"),
    "moment": ("2031-01-01T10:00", "2032-01-01T10:00"),
    "span": ("6 h", "7 h"),
    "size": ("l", ""),
    "town": ("2", "3"),
    "towns": (["2"], ["1", "3"]),
    "part": ({"part-what": "pan"}, {"part-what": "pot"}),
    "parts": ({"parts-0-what": "pan"}, {"parts-1-pieces": "6"}),
    "anything": ('{"b": 1}', "[3]"),
}


def typed(name, value):
    return value if isinstance(value, dict) else {name: value}


def stored(process, name):
    db.session.expire_all()
    field = KINDS[name]
    return field.to_json(getattr(db.session.get(MatterProcess, process.id), name))


def test_a_form_that_nobody_has_changed_is_written_as_it_is(matter, window):
    matter = matter()
    before = dict(matter.data)
    assert window(matter, "one").send().status_code == 303
    db.session.expire_all()
    assert {name: matter.data[name] for name in NAMES} == {name: before[name] for name in NAMES}


def changes(which, names=NAMES):
    """What a person types into these fields: 0 the first, 1 the second."""
    found = {}
    for name in names:
        found |= typed(name, OTHER[name][which])
    return found


def values(process):
    return {name: stored(process, name) for name in NAMES}


@pytest.mark.parametrize("names", [NAMES[::2], NAMES[1::2]])
def test_what_one_leaves_alone_stays_as_the_other_left_it(matter, window, names):
    process = matter()
    mine, theirs = window(process, "one"), window(process, "two")
    before = values(process)
    assert theirs.send(**changes(0, names)).status_code == 303
    after = values(process)
    assert [name for name in NAMES if after[name] != before[name]] == names
    others = [name for name in NAMES if name not in names]
    assert mine.send(**changes(0, others)).status_code == 303
    end = values(process)
    assert {name: end[name] for name in names} == {name: after[name] for name in names}
    assert all(end[name] != before[name] for name in others)


#: two people cannot change a box that had a tick differently
BOTH = [name for name in NAMES if name != "tick"]


def test_what_both_have_changed_is_shown_to_the_second(matter, window):
    process = matter()
    mine, theirs = window(process, "one"), window(process, "two")
    assert theirs.send(**changes(0)).status_code == 303
    after = values(process)
    answer = mine.send(**changes(1, BOTH))
    assert answer.status_code == 422
    assert re.findall(r'name="_theirs" value="(\w+)"', answer.text) == BOTH
    assert values(process) == after
    assert mine.send().status_code == 303, "who has seen both decides"
    end = values(process)
    assert [name for name in NAMES if end[name] != after[name]] == BOTH


def test_the_second_may_take_what_the_first_has_written(matter, window):
    process = matter()
    mine, theirs = window(process, "one"), window(process, "two")
    theirs.send(**changes(0))
    after = values(process)
    mine.send(**changes(1, BOTH))
    for name in BOTH:
        assert mine.send(_theirs=name).status_code == 200
    assert mine.send().status_code == 303
    assert values(process) == after


def test_both_may_have_changed_it_to_the_same(matter, window):
    process = matter()
    mine, theirs = window(process, "one"), window(process, "two")
    for each in (theirs, mine):
        assert each.send(**changes(0)).status_code == 303


def test_a_third_change_is_told_again(matter, window):
    matter = matter()
    mine, theirs = window(matter, "one"), window(matter, "two")
    theirs.send(line="theirs")
    assert mine.send(line="mine").status_code == 422
    db.session.expire_all()
    matter.line = "of a third"
    db.session.commit()
    answer = mine.send()
    assert (answer.status_code, "of a third" in answer.text) == (422, True)


def test_an_error_elsewhere_does_not_hide_a_change(matter, window):
    matter = matter()
    mine, theirs = window(matter, "one"), window(matter, "two")
    theirs.send(line="theirs")
    assert mine.send(number="x").status_code == 422
    assert mine.send(number="5").status_code == 303
    assert (stored(matter, "line"), stored(matter, "number")) == ("theirs", 5)


@pytest.mark.parametrize("seen", [[], "", "line", "line:", "line:AAAAAAAA number:%%", "x" * 9999, "\x00"])
def test_a_form_without_what_was_seen_writes_what_it_says(matter, window, seen):
    matter = matter()
    mine, theirs = window(matter, "one"), window(matter, "two")
    theirs.send(line="theirs")
    answer = mine.send(line="mine", _seen=seen)
    assert answer.status_code in (303, 422)
    if answer.status_code == 303:
        assert stored(matter, "line") == "mine"


def test_a_form_of_the_authors_own(matter, window):
    matter = matter()
    mine, theirs = window(matter, "hand"), window(matter, "two")
    theirs.send(line="theirs", amount="9.25", tick=[])
    assert mine.send(text="mine").status_code == 303
    assert [stored(matter, name) for name in ("line", "amount", "tick", "text")] == [
        "theirs",
        "9.25",
        False,
        "mine",
    ]


def test_both_change_a_form_of_the_authors_own(matter, window):
    matter = matter()
    mine, theirs = window(matter, "hand"), window(matter, "two")
    theirs.send(line="theirs")
    answer = mine.send(line="mine", text="too")
    assert (answer.status_code, "theirs" in answer.text) == (422, True)
    assert mine.send().status_code == 303
    assert stored(matter, "line") == "mine"


def test_columns_of_an_artifact(window, people):
    db.session.add(Town(name="Bern"))
    db.session.commit()
    process = views.submit(HouseFlow.start, people["erin"], street="Mill Lane")
    mine, theirs = window(process, "one"), window(process, "two")
    assert theirs.send(rooms="5", sold="y", town="1").status_code == 303
    assert mine.send(street="Mill Road").status_code == 303
    db.session.expire_all()
    house = process.artifact
    assert (house.street, house.rooms, house.sold, house.town.name) == ("Mill Road", 5, True, "Bern")


def test_columns_of_an_artifact_that_both_change(window, people):
    process = views.submit(HouseFlow.start, people["erin"], street="Mill Lane")
    mine, theirs = window(process, "one"), window(process, "two")
    theirs.send(street="Theirs")
    assert (mine.send(street="Mine").status_code, "Theirs" in mine.page) == (422, True)
    assert process.artifact.street == "Theirs"


def test_a_joined_table_and_a_decision(window, people):
    process = views.submit(DeedFlow.start, people["erin"], place="Bern")
    mine, theirs = window(process, "one"), window(process, "two")
    assert theirs.send(place="Chur", fee="5", good="true").status_code == 303
    answer = mine.send(note="my own", good="false")
    assert (
        answer.status_code,
        "Approve" in re.search(r'class="theirs".*?</span> <span[^>]*>(.*?)<', answer.text)[1],
    ) == (422, True)
    assert mine.send(good="false").status_code == 303
    db.session.expire_all()
    assert (process.place, process.fee, process.note, process.good) == ("Chur", 5, "my own", False)
