"""A program adds an item to a step that runs once for each."""

from __future__ import annotations

import pytest

from portal import flow, this
from portal.models import Task, db


class SurveyFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.ask, task_data_source=lambda activation: [{"n": 1}]).Next(this.tell)
    ask = flow.ManualTask().Next(this.join)
    tell = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


@pytest.fixture
def survey(register):
    register(SurveyFlow)
    process_id = SurveyFlow.start.run().id
    split = db.session.scalar(db.select(Task.id).where(Task.flow_task == "split"))
    db.session.commit()
    return process_id, split


def test_an_item_is_added_once_for_each_key(program, survey):
    process_id, split = survey
    erin, path = program("erin"), f"/processes/{process_id}/add"
    body = {"task": split, "item": {"n": 2}, "reason": "forgotten"}
    assert erin.post(path, body, Idempotency_Key="k").status_code == 200
    assert erin.post(path, body, Idempotency_Key="k").headers["Idempotent-Replayed"] == "true"
    found = db.session.scalars(db.select(Task).where(Task.flow_task == "ask").order_by(Task.id)).unique()
    assert [dict(task.data) for task in found] == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"item": {}}, 422, "task"),
        ({"task": "split"}, 422, "item"),
        ({"task": "split", "item": "Bern"}, 422, "item"),
        ({"task": "split", "item": {}, "branch": "tell"}, 422, "item"),
        ({"task": 999999, "item": {}}, 409, None),
        ({"task": 2**63, "item": {}}, 409, None),
        ({"task": -(10**30), "item": {}}, 409, None),
    ],
)
def test_what_cannot_be_added_is_told(program, survey, body, status, field):
    process_id, split = survey
    if body.get("task") == "split":
        body = body | {"task": split}
    answer = program("erin").post(f"/processes/{process_id}/add", body)
    assert answer.status_code == status
    assert field is None or field in answer.json["errors"]


def test_it_is_a_managers(program, survey):
    process_id, split = survey
    body = {"task": split, "item": {"n": 2}}
    assert program("dave").post(f"/processes/{process_id}/add", body).status_code == 403
    assert program("erin", "read", "work").post(f"/processes/{process_id}/add", body).status_code == 403
