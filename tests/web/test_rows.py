"""Rows of an embedded list in a form: one more is a press away, with or without JavaScript."""

import re
from decimal import Decimal

import pytest

from portal import flow, jsonstore, this, views
from portal.models import Process, db

FORM = "/flows/shopping/start/start"


class Line(jsonstore.Schema):
    what = jsonstore.StringField("What", required=True)
    price = jsonstore.DecimalField("Price")


class ShoppingProcess(Process):
    lines = jsonstore.EmbeddedListField(Line, "Lines", required=True)


class ShoppingFlow(flow.Flow):
    process_class = ShoppingProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["lines"])).Next(this.change)
    change = (
        flow.View(views.UpdateProcessView.as_view(fields=["lines"])).Assign(this.start.owner).Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def erin(client_of, register):
    register(ShoppingFlow)
    return client_of("erin")


def test_a_form_begins_with_one_row_and_a_way_to_more(erin):
    page = erin.get(FORM).text
    assert 'name="lines-0-what"' in page
    assert 'name="lines-1-what"' not in page
    assert 'name="_more" value="lines"' in page


def test_one_more_row_keeps_what_was_typed_and_starts_nothing(erin):
    answer = erin.post(FORM, data={"lines-0-what": "Bread", "lines-0-price": "no number", "_more": "lines"})
    assert answer.status_code == 200
    assert 'value="Bread"' in answer.text
    assert 'value="no number"' in answer.text
    assert 'name="lines-1-what"' in answer.text
    assert "There is a problem" not in answer.text
    assert db.session.scalar(db.select(db.func.count(Process.id))) == 0


def test_one_more_row_of_a_task_changes_nothing(erin):
    erin.post(FORM, data={"lines-0-what": "Bread", "lines-1-what": "Milk", "lines-1-price": "1.50"})
    process = db.session.scalars(db.select(ShoppingProcess)).unique().one()
    assert [(line.what, line.price) for line in process.lines] == [("Bread", None), ("Milk", Decimal("1.50"))]
    task = process.tasks[-1]
    answer = erin.post(f"/tasks/{task.id}/execute", data={"lines-0-what": "Cheese", "_more": "lines"})
    assert answer.status_code == 200
    db.session.expire_all()
    assert (process.lines[0].what, len(process.lines), task.status) == ("Bread", 2, "ASSIGNED")


@pytest.mark.parametrize("name", ["", "what", "csrf_token", "lines-0"])
def test_more_of_anything_else_is_just_a_sent_form(erin, name):
    answer = erin.post(FORM, data={"lines-0-what": "Bread", "_more": name})
    assert answer.status_code == 303


def test_rows_are_read_as_a_table_and_not_as_code(erin):
    erin.post(FORM, data={"lines-0-what": "<Bread>", "lines-1-what": "Milk", "lines-1-price": "1.50"})
    process = db.session.scalars(db.select(ShoppingProcess)).unique().one()
    page = erin.get(f"/processes/{process.id}").text
    table = re.sub(r"<[^>]+>", " ", page[page.index('<table class="items">') :].partition("</table>")[0])
    assert table.split() == ["What", "Price", "&lt;Bread&gt;", "—", "Milk", "1.50"]
    assert "Decimal" not in page


def test_a_row_that_holds_only_what_cannot_be_read_is_no_blank_one(erin):
    data = {"lines-0-what": "Bread", "lines-1-what": "", "lines-1-price": "no number"}
    answer = erin.post(FORM, data=data)
    assert answer.status_code == 422
    assert 'value="no number"' in answer.text
