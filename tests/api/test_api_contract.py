"""What a program may rely on beside the story, each sentence of the contract that was once not kept."""

from __future__ import annotations

from io import BytesIO

import pytest


@pytest.fixture
def database_url(sqlite):
    return sqlite


def test_what_a_list_cannot_understand_is_told_by_its_name(program, started):
    started("a"), started("b")
    carol = program("carol")
    for query, name in (
        ("flow=order&data.nothing=1", "data.nothing"),
        ("flow=order&data.count.between=1", "data.count.between"),
        ("data.count.gt=1", "data.count.gt"),
        ("since=soon", "since"),
        ("due=never", "due"),
        ("state=odd", "state"),
        ("priority=x", "priority"),
        ("sort=size", "sort"),
        ("after=nowhere", "after"),
        ("view=77", "view"),
        ("limit=201", "limit"),
    ):
        for path in ("/tasks", "/processes"):
            answer = carol.get(f"{path}?{query}")
            assert (answer.status_code, list(answer.json.get("errors", ()))) == (422, [name]), (path, query)
    for path, name in (("/tasks", "process"), ("/processes", "id")):
        by_time = [each[name] for each in carol.get(f"{path}?sort=created").json["items"]]
        assert by_time == sorted(by_time)
        assert [each[name] for each in carol.get(f"{path}?sort=-id").json["items"]] == by_time[::-1]


def test_a_post_without_a_body_is_one_of_an_empty_object(app, program, started, open_task):
    task_id = open_task(started())
    client, headers = app.test_client(), program("bob").headers
    for action, kind in (("assign", None), ("unassign", "application/json"), ("assign", "text/plain")):
        answer = client.post(f"/api/v1/tasks/{task_id}/{action}", headers=headers, content_type=kind)
        assert answer.status_code == 200, answer.text


def test_what_an_action_cannot_take_is_told_by_its_name(program, started, open_task):
    process_id = started()
    task_id, bob, carol = open_task(process_id), program("bob"), program("carol")
    bob.post(f"/tasks/{task_id}/assign")
    for path, body, names in (
        (f"/tasks/{task_id}/snooze", {"until": "2001-01-01T00:00:00Z"}, ["until"]),
        (f"/tasks/{task_id}/snooze", {"until": "9999-12-31T23:59:59-14:00"}, ["until"]),
        (f"/tasks/{task_id}/unassign", {"reason": "\0"}, ["reason"]),
        (f"/processes/{process_id}/suspend", {"reason": "\ud800"}, ["reason"]),
        (f"/tasks/{task_id}/execute", {"data": {"approved": "yes", "odd": 1}}, ["approved", "odd"]),
        ("/signals/holidays", {"process": process_id, "data": {"a": 1}}, ["data", "process"]),
    ):
        answer = (carol if "suspend" in path or "signal" in path else bob).post(path, body)
        assert (answer.status_code, sorted(answer.json.get("errors", ()))) == (422, names), answer.text
    assert answer.json["reference"] == answer.headers["X-Request-ID"]
    refused = bob.post(
        f"/tasks/{task_id}/execute", {"data": {}}
    )  # by the form, which makes a request of its own
    assert refused.json["reference"] == refused.headers["X-Request-ID"]
    assert carol.post("/signals/holidays", {"process": None, "data": {}}).status_code == 204


def test_what_is_said_of_an_older_state_is_not_said(app, program, started):
    process_id, carol = started(), program("carol")
    tag = carol.get(f"/processes/{process_id}").headers["ETag"]
    assert carol.post(f"/processes/{process_id}/comments", {"text": "a"}, If_Match=tag).status_code == 201
    carol.post(f"/processes/{process_id}/suspend")
    assert carol.post(f"/processes/{process_id}/comments", {"text": "b"}, If_Match=tag).status_code == 412
    late = app.test_client().post(
        f"/api/v1/processes/{process_id}/files",
        data={"file": (BytesIO(b"x"), "a.txt")},
        headers=carol.headers | {"If-Match": tag},
    )
    assert late.status_code == 412
    assert len(carol.get(f"/processes/{process_id}/comments").json["items"]) == 1


def test_a_page_may_say_its_token_by_either_name(app, order, make_user):
    app.config["WTF_CSRF_ENABLED"] = True
    make_user("sam", "order.can_start", password="correct horse")
    client = app.test_client()
    token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    client.post("/login", data={"username": "sam", "password": "correct horse", "csrf_token": token})
    token = client.get("/profile").text.split('name="csrf_token" value="')[1].split('"')[0]
    for header, status in (("X-CSRF-Token", 201), ("X-CSRFToken", 201), ("X-Other", 403)):
        answer = client.post(
            "/api/v1/flows/order/starts/start", json={"data": {"title": "x"}}, headers={header: token}
        )
        assert answer.status_code == status, header
