"""Choosing among the rows of a table: few of them are a list, many are searched."""

import re

import pytest
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, this, views
from portal.models import Process, db

FORM = "/flows/parcel/start/start"


class Customer(db.Model):
    __tablename__ = "customer_of_parcels"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    city: Mapped[str] = mapped_column(String(50))
    pin: Mapped[str] = mapped_column(String(10), default="sesame")

    def __str__(self):
        return f"{self.name}, {self.city}"


class Sticker(db.Model):
    __tablename__ = "sticker_of_parcels"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50))


class Line(jsonstore.Schema):
    customer = jsonstore.ReferenceField(Customer, "Customer", required=True)


class ParcelProcess(Process):
    customer = jsonstore.ReferenceField(Customer, "Customer", required=True)
    copies = jsonstore.ReferenceListField(Customer, "Copies")
    carrier = jsonstore.ReferenceField(Customer, "Carrier")
    stickers = jsonstore.ReferenceListField(Sticker, "Stickers")
    lines = jsonstore.EmbeddedListField(Line, "Lines")


class ParcelFlow(flow.Flow):
    process_class = ParcelProcess
    start = flow.Start(
        views.CreateProcessView.as_view(fields=["customer", "copies", "carrier", "stickers", "lines"])
    ).Next(this.change)
    change = (
        flow.View(views.UpdateProcessView.as_view(fields=["customer", "copies"]))
        .Assign(this.start.owner)
        .Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def erin(client_of, register):
    register(ParcelFlow)
    names = ["Anna Meier", "Ben Meier", "Cleo Müller"]
    rows = [Customer(name=names[i] if i < 3 else f"Firm {i}", city="Bern") for i in range(1000)]
    db.session.add_all([*rows, *(Sticker(title=title) for title in ("Fragile", "Urgent"))])
    db.session.commit()
    return client_of("erin")


def made():
    db.session.expire_all()
    return db.session.scalars(db.select(ParcelProcess)).unique().one()


def test_few_rows_are_boxes_with_their_titles(erin):
    page = erin.get(FORM).text
    assert ">Fragile</label>" in page
    assert "Sticker 1" not in page
    erin.post(FORM, data={"customer-find": "Anna", "stickers": ["2", "1"]})
    assert [sticker.title for sticker in made().stickers] == ["Urgent", "Fragile"]


def test_many_rows_are_not_sent_to_the_browser(erin):
    page = erin.get(FORM).text
    assert "Firm" not in page
    assert len(page) < 30_000


@pytest.mark.parametrize("text", ["Firm 999", "firm 999, bern", "  999  firm"])
def test_a_row_is_found_by_what_is_typed(erin, text):
    assert erin.post(FORM, data={"customer-find": text}).status_code == 303
    assert made().customer.name == "Firm 999"


def test_letters_beyond_ascii_are_found_small_and_large(erin):
    assert erin.post(FORM, data={"customer-find": "MÜLLER"}).status_code == 303
    assert made().customer.name == "Cleo Müller"


def test_a_row_may_be_sent_by_its_key(erin):
    assert erin.post(FORM, data={"customer": "2", "copies": ["1", "3"]}).status_code == 303
    assert (made().customer.id, [copy.id for copy in made().copies]) == (2, [1, 3])


def test_what_may_be_left_out_can_be_left_out_again(erin):
    page = erin.get(FORM).text
    assert 'id="carrier-none" name="carrier" value="" checked' in page, (
        "a script adds what is chosen beside it"
    )
    assert 'id="customer-none"' not in page


def test_where_several_fit_they_are_offered(erin):
    answer = erin.post(FORM, data={"customer-find": "meier"})
    assert answer.status_code == 422
    assert "Several fit “meier”: choose one, or type more of it." in answer.text
    assert ">Anna Meier, Bern</label>" in answer.text
    assert ">Ben Meier, Bern</label>" in answer.text
    assert erin.post(FORM, data={"customer": "2", "customer-find": ""}).status_code == 303
    assert made().customer.name == "Ben Meier"


def test_what_is_not_there_comes_back_as_it_was_typed(erin):
    answer = erin.post(FORM, data={"customer-find": "Zoe"})
    assert answer.status_code == 422
    assert "Nothing is called “Zoe”." in answer.text
    assert 'value="Zoe"' in answer.text


def test_a_text_of_many_words_is_searched_like_any_other(erin):
    text = " ".join(f"word{i}" for i in range(1500))
    assert erin.get(FORM, query_string={"_find": "customer", "q": text[:6000]}).json == []
    assert erin.post(FORM, data={"customer-find": text}).status_code == 422
    text = f"{'firm ' * 1500} f i r m b e n fi ir rm be er rn 999"
    assert erin.post(FORM, data={"customer-find": text}).status_code == 303
    assert made().customer.name == "Firm 999"


@pytest.mark.parametrize("text", ["", "   ", "…"])
def test_nothing_typed_finds_nothing(erin, text):
    assert erin.post(FORM, data={"customer-find": text}).status_code == 422


def test_more_are_found_beside_those_that_are_ticked(erin):
    erin.post(FORM, data={"customer": "1", "copies": ["1", "3"], "copies-find": "Firm 777"})
    process = made()
    path = f"/tasks/{process.tasks[-1].id}/execute"
    assert [copy.name for copy in process.copies][:2] == ["Anna Meier", "Cleo Müller"]
    page = erin.get(path).text
    ticked = re.findall(r'<input[^>]*name="(?:customer|copies)"[^>]* checked', page)
    assert len(ticked) == 4, "the customer and three copies"
    erin.post(path, data={"customer": "1", "copies": ["3"]})
    assert [copy.name for copy in made().copies] == ["Cleo Müller"]


def test_all_inputs_of_a_form_read_the_rows_of_a_table_once(erin, count):
    with count() as statements:
        answer = erin.post(FORM, data={f"lines-{i}-customer": "1" for i in range(20)})
    assert answer.status_code == 422, "the customer is missing"
    assert sum("FROM customer_of_parcels ORDER BY" in " ".join(sql.split()) for sql in statements) == 1


def test_rows_are_suggested_by_what_people_see_of_them_only(erin):
    found = erin.get(f"{FORM}?_find=customer&q=mei").json
    assert [(row["key"], row["label"]) for row in found] == [
        ("1", "Anna Meier, Bern"),
        ("2", "Ben Meier, Bern"),
    ]
    assert erin.get(f"{FORM}?_find=customer&q=sesame").json == []
    assert len(erin.get(f"{FORM}?_find=lines-7-customer&q=firm").json) == 20
    assert erin.get(f"{FORM}?_find=stranger&q=firm").mimetype == "text/html"


def test_suggestions_are_for_those_who_may_open_the_form(erin, client_of):
    erin.post(FORM, data={"customer": "1"})
    path = f"/tasks/{made().tasks[-1].id}/execute?_find=customer&q=mei"
    assert erin.get(path).json
    assert client_of("dave").get(path).status_code == 403
