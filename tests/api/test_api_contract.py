"""What a program may rely on beside the story, each sentence of the contract that was once not kept."""

from __future__ import annotations

import dataclasses
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings, strategies


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


def test_data_of_another_shape_than_a_function_reads_is_told_to_who_sent_it(
    program, started, open_task, caplog
):
    """Its TypeError is no fault of the portal's: nothing has happened, and the log has where it was raised."""
    process_id = started()
    task_id, bob, carol = open_task(process_id), program("bob"), program("carol")
    bob.post(f"/tasks/{task_id}/assign")
    bob.post(f"/tasks/{task_id}/execute", {"data": {"approved": True}})
    answer = carol.post("/flows/order/handles/pay", {"process": process_id, "data": {"paid": "much"}})
    assert answer.status_code == 422, answer.text
    [said] = answer.json["errors"]["data"]
    assert said.startswith("TypeError: '<' not supported")
    assert "take_payment" in caplog.text
    assert carol.get(f"/processes/{process_id}").json["status"] == "NEW"
    paid = carol.post("/flows/order/handles/pay", {"process": process_id, "data": {"paid": 1}})
    assert paid.status_code == 200, paid.text


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


def test_what_is_not_there_is_no_question_of_tokens(app, order):
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()
    for method, path, status in (
        ("DELETE", "/tasks", 405),
        ("POST", "/nothing", 404),
        ("PUT", "/processes/1", 405),
        ("POST", "/tasks/1/assign", 401),
    ):
        answer = client.open(f"/api/v1{path}", method=method, json={})
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), path
    assert client.post("/tasks/assign", data={"task": "1"}).status_code != 200  # a page's is asked as ever


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


SEARCHED = settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.slow
def test_any_filters_in_pages_of_any_size_are_the_list_without_a_gap(app, program, started):
    """And a place that nobody made is refused, never read as some other place."""
    app.extensions["portal"] = dataclasses.replace(app.extensions["portal"], api_rate=0)
    for number in range(6):
        started(f"w{number % 2}", count=number + 1)
    carol = program("carol")

    def ids(query):
        answer = carol.get(f"/{query}")
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json["items"]], answer.json["next"]

    @given(
        path=strategies.sampled_from(["tasks", "processes"]),
        sizes=strategies.lists(strategies.integers(1, 4), min_size=6, max_size=6),
        sort=strategies.sampled_from(["", "created", "-created"]),
        filters=strategies.lists(
            strategies.sampled_from(
                ["q=w1", "data.count.gt=2", "data.count.le=5", "state=open", "person=alice"]
            ),
            unique=True,
            max_size=2,
        ),
    )
    @SEARCHED
    def check(path, sizes, sort, filters):
        filters = [each.replace("open", "new") if path == "processes" else each for each in filters]
        query = "&".join(["flow=order", f"sort={sort}", *filters])
        whole, after = ids(f"{path}?{query}&limit=200")
        assert after is None
        found, after = [], ""
        for size in sizes:
            if after is None:
                break
            items, after = ids(f"{path}?{query}&limit={size}&after={after}")
            found += items
        assert found == whole[: len(found)]
        assert after is not None or found == whole

    @given(after=strategies.text(min_size=1, max_size=40))
    @SEARCHED
    def refuse(after):
        for path in ("tasks", "processes", "events", "processes/1/tasks", "processes/1/events"):
            answer = carol._client.get(
                f"/api/v1/{path}", query_string={"after": after}, headers=carol.headers
            )
            assert answer.status_code in (200, 422), answer.text
            if answer.status_code == 200:  # an empty text, or the number of a row
                assert not after.replace("\0", "").strip() or after.isdigit(), after

    check()
    refuse()


@pytest.mark.slow
def test_any_body_is_taken_or_refused_in_words(app, program):
    app.extensions["portal"] = dataclasses.replace(app.extensions["portal"], api_rate=0)
    alice = program("alice")
    plain = strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=20)
    values = strategies.recursive(
        plain | strategies.floats(allow_nan=False),
        lambda inner: (
            strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=5), inner)
        ),
        max_leaves=6,
    )
    names = ["title", "count", "amount", "urgent", "size", "moment", "scan", "lines", "place", "odd"]

    @given(data=strategies.dictionaries(strategies.sampled_from(names), values, max_size=4), more=values)
    @SEARCHED
    def check(data, more):
        for body in ({"data": data}, {"data": more}, more):
            answer = alice.call("POST", "/flows/order/starts/start", body)
            assert answer.status_code in (201, 400, 422), answer.text
            if answer.status_code != 201:
                assert answer.mimetype == "application/problem+json"
                assert answer.json["status"] == answer.status_code

    check()
