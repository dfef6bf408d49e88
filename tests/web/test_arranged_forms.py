"""Fields in rows and sections, fields that hang on an answer, and forms of several pages."""

import enum

import pytest
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, this, views
from portal.errors import FlowError
from portal.models import Process, db


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class MoveProcess(Process):
    kind = jsonstore.ChoiceField(
        "Kind", choices=[("home", "To home"), ("other", "Another")], required=True, default="home"
    )
    reason = jsonstore.StringField("Reason", required=True)
    note = jsonstore.StringField("Note", default="none")
    street = jsonstore.StringField("Street")
    zip = jsonstore.StringField("ZIP")
    city = jsonstore.StringField("City", required=True)
    insured = jsonstore.BooleanField("Insured")
    value = jsonstore.IntegerField("Value", required=True)
    approved = jsonstore.BooleanField("Approved", labels=("Approve", "Decline"))


ADDRESS = views.Section("Address", "street", views.Row("zip", "city"), help_text="Where to.")
WHEN = views.When("kind", "other", "reason", views.Section("More", "note"))


class MoveFlow(flow.Flow):
    process_class = MoveProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["kind", WHEN, ADDRESS])).Next(this.change)
    change = (
        flow.View(
            views.UpdateProcessView.as_view(
                fields=["kind", WHEN, "insured", views.When("insured", True, "value")],
                decide="approved",
                require={False: ["note"]},
            )
        )
        .Assign(this.start.owner)
        .Next(this.end)
    )
    end = flow.End()


START = "/flows/move/start/start"


@pytest.fixture
def erin(client_of, register):
    register(MoveFlow)
    return client_of("erin")


def begin(client, **data):
    answer = client.post(START, data={"city": "Bern", **data})
    assert answer.status_code == 303, answer.text
    return db.session.scalars(db.select(MoveProcess)).unique().all()[-1]


def test_a_form_shows_rows_and_sections(erin):
    page = erin.get(START).text
    assert "<legend>Address</legend>" in page
    assert "Where to." in page
    row = page[page.index('class="form-row"') :]
    assert row.index('name="zip"') < row.index('name="city"')
    assert "Only if “Kind” is “Another”." in page
    assert 'data-when="kind" data-when-values="[&#34;other&#34;]"' in page


def test_what_hangs_on_an_answer_is_required_and_saved_only_with_it(erin):
    process = begin(erin, kind="home", reason="typed before", note="x")
    assert (process.reason, process.note, process.data.get("note")) == (None, "none", None)
    answer = erin.post(START, data={"city": "Bern", "kind": "other", "reason": ""})
    assert answer.status_code == 422
    assert 'href="#reason">Reason: This field is required.' in answer.text
    process = begin(erin, kind="other", reason="Work", note="y")
    assert (process.reason, process.note) == ("Work", "y")


def test_what_was_saved_goes_with_its_answer(erin):
    process = begin(erin, kind="other", reason="Work", note="y")
    task = process.tasks[-1].id
    answer = erin.post(f"/tasks/{task}/execute", data={"kind": "home", "reason": "Work", "approved": "true"})
    assert answer.status_code == 303
    db.session.expire_all()
    assert (process.kind, process.reason, process.data.get("note")) == ("home", None, None)


def test_a_decision_requires_what_is_asked_for_only(erin):
    task = begin(erin, kind="home").tasks[-1].id
    data = {"kind": "other", "reason": "x", "note": "", "approved": "false"}
    assert erin.post(f"/tasks/{task}/execute", data=data).status_code == 422
    assert erin.post(f"/tasks/{task}/execute", data={**data, "kind": "home"}).status_code == 303


@pytest.mark.parametrize(
    ("data", "status"), [({}, 303), ({"insured": "y"}, 422), ({"insured": "y", "value": "7"}, 303)]
)
def test_a_ticked_box_asks_for_more(erin, data, status):
    task = begin(erin).tasks[-1].id
    answer = erin.post(f"/tasks/{task}/execute", data={"kind": "home", "approved": "true", **data})
    assert answer.status_code == status


def test_what_rests_is_folded_at_once_where_scripts_run(erin):
    page = erin.get(START).text
    assert 'class="when rests"' in page
    answer = erin.post(START, data={"kind": "other"})
    assert 'class="when"' in answer.text


def test_somebody_elses_change_of_what_rests_is_kept(erin):
    import re

    process = begin(erin, kind="home")
    task = process.tasks[-1].id
    seen = re.search(r'name="_seen" value="([^"]+)"', erin.get(f"/tasks/{task}/execute").text)[1]
    process.note = "theirs"
    db.session.commit()
    data = {"_seen": seen, "kind": "home", "note": "none", "reason": "", "approved": "true"}
    assert erin.post(f"/tasks/{task}/execute", data=data).status_code == 303
    db.session.expire_all()
    assert process.note == "theirs"


def test_a_driver_fills_it_in(flow_tester):
    run = flow_tester(MoveFlow)
    run.start("start", user="alice", kind="other", reason="Work", city="Bern")
    assert run.process.reason == "Work"


class Wagon(db.Model):
    __tablename__ = "arranged_wagon"
    id: Mapped[int] = mapped_column(primary_key=True)
    colour: Mapped[Colour]
    tone: Mapped[str | None]
    name: Mapped[str] = mapped_column(info={"group": "Names", "label": "Called"})
    other: Mapped[str | None] = mapped_column(info={"group": "Names"})
    price: Mapped[int | None] = mapped_column(info={"format": "CHF {:,}", "validators": [lambda v: _odd(v)]})


def _odd(value):
    if value % 2 == 0:
        raise ValueError("An odd number is needed.")


class WagonFlow(flow.Flow):
    start = flow.Start(
        views.CreateArtifactView.as_view(
            Wagon, ["colour", views.When("colour", Colour.RED, "tone"), views.Row("name", "price")]
        )
    ).Next(this.see)
    flat = flow.Start(views.CreateArtifactView.as_view(Wagon, ["colour", "name", "other", "price"])).Next(
        this.see
    )
    see = flow.ManualTask().Next(this.end)
    end = flow.End()


def test_an_artifact_is_arranged_too(client_of, register):
    register(WagonFlow)
    erin = client_of("erin")
    for colour, tone in (("r", "dark"), ("b", None)):
        data = {"colour": colour, "tone": "dark", "name": "W", "price": "1001"}
        assert erin.post("/flows/wagon/start/start", data=data).status_code == 303
        process = db.session.scalars(db.select(Process).order_by(Process.id.desc())).unique().first()
        assert process.artifact.tone == tone
    page = erin.get(f"/processes/{process.id}").text
    assert "CHF 1,001" in page
    assert "<dt>Called</dt>" in page
    refused = erin.post("/flows/wagon/start/start", data={**data, "price": "2"})
    assert (refused.status_code, "An odd number is needed." in refused.text) == (422, True)


def test_columns_are_grouped_by_what_they_say_of_themselves(client_of, register):
    register(WagonFlow)
    page = client_of("erin").get("/flows/wagon/start/flat").text
    section = page[page.index("<legend>Names</legend>") :]
    section = section[: section.index("</fieldset>")]
    assert 'name="name"' in section
    assert 'name="other"' in section
    assert 'name="price"' not in section


# -- pages


class TripProcess(Process):
    place = jsonstore.StringField("Place", required=True)
    days = jsonstore.IntegerField("Days", required=True)
    cost = jsonstore.IntegerField("Cost", required=True)
    sure = jsonstore.BooleanField("Sure", labels=("Send", "Forget"))


class TripFlow(flow.Flow):
    process_class = TripProcess
    start = flow.Start(
        views.CreateProcessView.as_view(
            fields=[views.Page("Trip", "place", "days"), views.Page("Costs", "cost", help_text="In CHF.")]
        )
    ).Next(this.decide)
    decide = (
        flow.View(
            views.UpdateProcessView.as_view(
                fields=[views.Page("One", "place"), views.Page("Two", "cost")], decide="sure"
            )
        )
        .Assign(this.start.owner)
        .Next(this.end)
    )
    end = flow.End()


TRIP = "/flows/trip/start/start"


@pytest.fixture
def traveller(client_of, register):
    register(TripFlow)
    return client_of("erin")


def shown(page):
    return page[page.index('name="_page" value="') :].split('"')[3]


def count():
    return db.session.scalar(db.select(db.func.count(Process.id)))


def test_each_page_is_checked_before_the_next(traveller):
    page = traveller.get(TRIP).text
    assert shown(page) == "0"
    assert 'aria-current="step">Trip' in page
    assert '<section class="form-page" aria-label="Costs" hidden>' in page
    answer = traveller.post(TRIP, data={"_page": "0", "_to": "1", "place": "", "days": "x"})
    assert (answer.status_code, shown(answer.text)) == (422, "0")
    assert "Cost: This field is required" not in answer.text
    assert 'value="x"' in answer.text
    answer = traveller.post(TRIP, data={"_page": "0", "_to": "1", "place": "Bern", "days": "2"})
    assert (answer.status_code, shown(answer.text)) == (200, "1")
    assert 'value="Bern"' in answer.text
    assert count() == 0


def test_the_way_back_keeps_what_was_typed(traveller):
    data = {"_page": "1", "_to": "0", "place": "Bern", "days": "2", "cost": "no number"}
    answer = traveller.post(TRIP, data=data)
    assert (answer.status_code, shown(answer.text)) == (200, "0")
    assert 'value="no number"' in answer.text
    assert "There is a problem" not in answer.text


def test_all_pages_are_sent_at_once(traveller):
    data = {"_page": "1", "place": "Bern", "days": "2", "cost": "3"}
    assert traveller.post(TRIP, data=data).status_code == 303
    process = db.session.scalars(db.select(TripProcess)).unique().one()
    assert (process.place, process.days, process.cost) == ("Bern", 2, 3)


def test_a_fault_on_an_earlier_page_leads_there(traveller):
    answer = traveller.post(TRIP, data={"_page": "1", "place": "", "days": "2", "cost": "x"})
    assert (answer.status_code, shown(answer.text)) == (422, "0")
    assert "Place: This field is required." in answer.text


def test_a_page_that_was_filled_in_is_a_draft(traveller):
    traveller.post(TRIP, data={"_page": "0", "_to": "1", "place": "Bern", "days": "2"})
    page = traveller.get(TRIP).text
    assert 'value="Bern"' in page


def test_a_decision_stands_on_the_last_page(traveller):
    traveller.post(TRIP, data={"place": "Bern", "days": "2", "cost": "3"})
    task = db.session.scalars(db.select(TripProcess)).unique().one().tasks[-1].id
    page = traveller.get(f"/tasks/{task}/execute").text
    assert 'name="sure"' not in page
    data = {"_page": "0", "_to": "1", "place": "Bern", "cost": "3"}
    answer = traveller.post(f"/tasks/{task}/execute", data=data)
    assert answer.status_code == 200
    assert 'name="sure" value="true"' in answer.text
    data = {"_page": "1", "place": "Bern", "cost": "3", "sure": "true"}
    assert traveller.post(f"/tasks/{task}/execute", data=data).status_code == 303


@pytest.mark.parametrize("to", ["", "x", "-1", "99", "٣", "1" * 50])
def test_a_strange_page_breaks_nothing(traveller, to):
    data = {"_page": to, "_to": to, "place": "Bern", "days": "1", "cost": "1"}
    assert traveller.post(TRIP, data=data).status_code == 200


# -- wrong declarations


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([views.Section("A", "plce")], "did you mean `place`"),
        ([views.When("plce", "x", "days")], "`When` asks the field `plce`"),
        ([views.When("sure", "maybe", "days")], "its values are 'true', 'false'"),
        ([views.When("place", "x", "place")], "hides `place` by its own value"),
        (["place", views.Row("place", "days")], "`place` twice"),
        ([views.Row()], "is empty"),
        ([views.Page("A", "place"), "days"], "on no views.Page"),
        ([views.Section("A", views.Page("B", "place"))], "outermost"),
        ([("place", "days")], "names, or views.Row"),
        ([views.Row(7)], "names, or views.Row"),
    ],
)
def test_a_wrong_arrangement_is_refused_at_import(fields, words):
    with pytest.raises(FlowError) as refusal:

        class WrongFlow(flow.Flow):
            process_class = TripProcess
            start = flow.Start(views.CreateProcessView.as_view(fields=fields)).Next(this.end)
            end = flow.End()

    assert words in str(refusal.value)
