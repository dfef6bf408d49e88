"""Rows in rows, rows that are removed, and files in rows."""

from io import BytesIO

import pytest

from portal import flow, jsonstore, this, views
from portal.models import Process, db

FORM = "/flows/moving/start/start"


class Item(jsonstore.Schema):
    what = jsonstore.StringField("What", required=True)


class Box(jsonstore.Schema):
    label = jsonstore.StringField("Label", required=True)
    photo = jsonstore.BinaryField("Photo")
    items = jsonstore.EmbeddedListField(Item, "Items")


class MovingProcess(Process):
    boxes = jsonstore.EmbeddedListField(Box, "Boxes")


class LoadingProcess(Process):
    items = jsonstore.EmbeddedListField(Item, "Items", required=True)


class LoadingFlow(flow.Flow):
    process_class = LoadingProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["items"])).Next(this.end)
    end = flow.End()


class MovingFlow(flow.Flow):
    process_class = MovingProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["boxes"])).Next(this.change)
    change = (
        flow.View(views.UpdateProcessView.as_view(fields=["boxes"])).Assign(this.start.owner).Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def erin(client_of, register):
    register(MovingFlow)
    return client_of("erin")


@pytest.fixture
def three_boxes(erin):
    data = {}
    for number, label in enumerate("ABC"):
        data[f"boxes-{number}-label"] = label
        data[f"boxes-{number}-photo"] = (BytesIO(label.encode()), "photo.jpg")
    assert erin.post(FORM, data=data).status_code == 303
    process = db.session.scalars(db.select(MovingProcess)).unique().one()
    return process, f"/tasks/{process.tasks[-1].id}/execute"


def content(process):
    db.session.expire_all()
    return [(box.label, box.photo) for box in process.boxes]


def test_one_more_row_inside_a_row_sends_nothing(erin):
    answer = erin.post(
        FORM, data={"boxes-0-label": "A", "boxes-0-items-0-what": "Cup", "_more": "boxes-0-items"}
    )
    assert answer.status_code == 200
    assert 'name="boxes-0-items-1-what"' in answer.text
    assert 'value="Cup"' in answer.text
    assert db.session.scalar(db.select(db.func.count(Process.id))) == 0


def test_an_error_of_the_rows_leads_to_the_first_that_is_left(erin, register):
    register(LoadingFlow)
    answer = erin.post("/flows/loading/start/start", data={"items-rows": "1", "items-2-what": ""})
    assert answer.status_code == 422
    assert '<a href="#items-2">Items: At least one entry is needed.</a>' in answer.text
    assert 'id="items-2"' in answer.text


def test_a_row_is_removed_and_nothing_sent(erin):
    data = {
        "boxes-0-label": "A",
        "boxes-1-label": "B",
        "boxes-1-items-0-what": "Cup",
        "boxes-1-items-1-what": "Jug",
    }
    page = erin.post(FORM, data={**data, "_less": "boxes-1-items-0"}).text
    assert 'value="Cup"' not in page
    assert 'value="Jug"' in page
    page = erin.post(FORM, data={**data, "_less": "boxes-0"}).text
    assert 'value="A"' not in page
    assert 'value="B"' in page
    assert 'value="Cup"' in page


def test_the_last_row_that_is_removed_leaves_a_blank_one(erin):
    page = erin.post(FORM, data={"boxes-0-label": "A", "_less": "boxes-0"}).text
    assert 'value="A"' not in page
    assert 'name="boxes-1-label"' in page


def test_a_row_keeps_its_own_file_when_another_is_removed(erin, three_boxes):
    process, path = three_boxes
    data = {
        "boxes-0-label": "",
        "boxes-2-label": "C",
    }  # the first is not filled in any more, the second is gone
    answer = erin.post(path, data=data)
    assert answer.status_code == 422, "the first still has its file"
    assert 'name="boxes-2-label"' in answer.text
    assert erin.post(path, data={"boxes-2-label": "C"}).status_code == 303
    assert content(process) == [("C", b"C")]


def test_a_new_row_gets_no_file_of_one_that_was_removed(erin, three_boxes):
    process, path = three_boxes
    page = erin.post(path, data={"boxes-0-label": "A", "boxes-1-label": "B", "_more": "boxes"}).text
    assert 'name="boxes-3-label"' in page
    assert 'name="boxes-2-label"' not in page
    erin.post(path, data={"boxes-0-label": "A", "boxes-1-label": "B", "boxes-3-label": "D"})
    assert content(process) == [("A", b"A"), ("B", b"B"), ("D", None)]


def test_all_rows_can_be_removed(erin, three_boxes):
    process, path = three_boxes
    assert erin.post(path, data={"boxes-rows": "1"}).status_code == 303
    assert content(process) == []


def test_enter_sends_the_form_though_its_first_button_is_another(erin):
    page = erin.get(FORM).text
    assert page.index('<button type="submit" class="visually-hidden"') < page.index('name="_less"')
