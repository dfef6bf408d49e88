"""Forms with conditions, files in the storage and fields that only some see, by the API."""

import base64

import pytest

from portal import flow, jsonstore, this, views
from portal.models import Process


class TripProcess(Process):
    kind = jsonstore.ChoiceField("Kind", choices=("train", "other"), required=True)
    why = jsonstore.StringField("Why", required=True)
    receipts = jsonstore.FileField("Receipts", types=("text/plain",), max_size="1 kB", multiple=True)
    salary = jsonstore.IntegerField("Salary", visible_to="trip.manage")


class TripFlow(flow.Flow):
    """Trip"""

    process_class = TripProcess
    start = flow.Start(
        views.CreateProcessView.as_view(
            fields=[
                views.Page("Trip", "kind", views.When("kind", "other", "why")),
                views.Page("Costs", "receipts", "salary"),
            ]
        )
    ).Next(this.check)
    check = flow.View(views.UpdateProcessView.as_view(fields=["receipts"])).Next(this.end)
    end = flow.End()


@pytest.fixture
def trip(register, people):
    return register(TripFlow)


def file(name="a.txt", content=b"hello", kind="text/plain"):
    return {"name": name, "type": kind, "content": base64.b64encode(content).decode()}


def test_what_a_condition_requires_is_in_the_schema_and_judged(trip, program):
    alice = program("alice")
    schema = alice.get("/flows/trip/starts/start").json["schema"]
    assert schema["required"] == ["kind"]
    assert schema["allOf"] == [
        {
            "if": {"properties": {"kind": {"enum": ["other"]}}, "required": ["kind"]},
            "then": {"required": ["why"]},
        }
    ]
    path = "/flows/trip/starts/start"
    assert alice.post(path, {"data": {"kind": "train"}}).status_code == 201
    refused = alice.post(path, {"data": {"kind": "other"}})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["why"])
    assert alice.post(path, {"data": {"kind": "other", "why": "boat"}}).json["data"]["why"] == "boat"


def test_files_come_with_a_form_and_stay_by_their_ids(trip, program, open_task):
    alice = program("alice")
    path = "/flows/trip/starts/start"
    made = alice.post(path, {"data": {"kind": "train", "receipts": [file(), file("b.txt", b"there")]}})
    assert made.status_code == 201, made.text
    first, second = made.json["data"]["receipts"]
    assert (first["name"], second["size"]) == ("a.txt", 5)
    assert alice.get(second["url"].removeprefix("/api/v1")).data == b"there"
    task_id = open_task(made.json["id"], "check")
    alice.post(f"/tasks/{task_id}/assign")
    kept = {"data": {"receipts": [{"id": second["id"]}, file("c.txt")]}}
    done = alice.post(f"/tasks/{task_id}/execute", kept)
    assert done.status_code == 200, done.text
    assert [each["name"] for each in done.json["data"]["receipts"]] == ["b.txt", "c.txt"]
    for wrong in (
        file(content=b"x" * 2000),
        file("a.png", b"\x89PNG\r\n\x1a\n", "image/png"),
        {"content": 1},
        "x",
    ):
        refused = alice.post(path, {"data": {"kind": "train", "receipts": [wrong]}})
        assert refused.status_code == 422, wrong


def test_a_field_that_only_some_see_is_told_to_them_alone(trip, program):
    made = program("alice").post("/flows/trip/starts/start", {"data": {"kind": "train", "salary": 5}})
    assert "salary" not in made.json["data"]
    address = f"/processes/{made.json['id']}"
    assert program("erin").get(address).json["data"]["salary"] == 5
    task = program("alice").get(f"{address}/tasks").json["items"][-1]
    assert "salary" not in program("alice").get(f"/tasks/{task['id']}").json["data"]
