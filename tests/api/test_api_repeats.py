"""The same request twice, and requests that speak of an older state."""

import threading

import pytest

from portal.models import Process, db


def how_many():
    db.session.rollback()
    return db.session.scalar(db.select(db.func.count(Process.id)))


def test_the_same_key_and_body_do_it_once_and_give_the_first_answer(program):
    alice = program("alice")
    body = {"data": {"title": "x"}}
    first = alice.post("/flows/order/starts/start", body, Idempotency_Key="k")
    again = alice.post("/flows/order/starts/start", body, Idempotency_Key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert how_many() == 1


def test_another_body_or_address_with_the_same_key_is_refused(program, started):
    alice = program("alice")
    alice.post("/flows/order/starts/start", {"data": {"title": "x"}}, Idempotency_Key="k")
    other = alice.post("/flows/order/starts/start", {"data": {"title": "y"}}, Idempotency_Key="k")
    assert other.status_code == 422
    process_id = started()
    assert alice.post(f"/processes/{process_id}/withdraw", Idempotency_Key="k").status_code == 422


def test_a_key_is_its_persons_own(program):
    body = {"data": {"title": "x"}}
    for username in ("alice", "erin"):
        assert (
            program(username).post("/flows/order/starts/start", body, Idempotency_Key="k").status_code == 201
        )
    assert how_many() == 2


def test_what_was_refused_may_be_sent_again(program, started, open_task):
    task_id = open_task(started())
    bob = program("bob")
    body = {"data": {"approved": True}}
    assert bob.post(f"/tasks/{task_id}/execute", body, Idempotency_Key="k").status_code == 409
    bob.post(f"/tasks/{task_id}/assign")
    done = bob.post(f"/tasks/{task_id}/execute", body, Idempotency_Key="k")
    assert (done.status_code, done.json["status"]) == (200, "DONE")
    assert bob.post(f"/tasks/{task_id}/execute", body, Idempotency_Key="k").data == done.data
    assert bob.post(f"/tasks/{task_id}/execute", body).status_code == 409


@pytest.mark.parametrize("key", ["", " ", "k" * 256])
def test_a_key_that_is_none_is_refused(program, key):
    answer = program("alice").post("/flows/order/starts/start", {"data": {"title": "x"}}, Idempotency_Key=key)
    assert answer.status_code == 400


@pytest.mark.parametrize("action", ["start", "handle", "signal", "process"])
def test_many_at_one_moment_with_one_key_do_it_once(app, program, started, open_task, action):
    process_id = started()
    carol, path, body = program("erin"), "/flows/order/starts/start", {"data": {"title": "raced"}}
    before = how_many()
    if action == "handle":
        path, body = "/flows/order/handles/begin", {"data": {"title": "raced"}}
    elif action == "signal":
        path, body = "/signals/holidays", {}
    elif action == "process":
        path, body = f"/processes/{process_id}/cancel", {}
    answers = []
    together = threading.Barrier(6)

    def send():
        together.wait()
        with app.app_context():
            answers.append(carol.post(path, body, Idempotency_Key="race"))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = {answer.status_code for answer in answers}
    assert len(statuses) == 1
    assert statuses <= {200, 201, 204}
    assert len({answer.data for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert how_many() == before + (action in ("start", "handle"))


def test_a_tag_tells_whether_something_has_changed(program, started, open_task):
    process_id = started()
    task_id = open_task(process_id)
    bob, carol = program("bob"), program("carol")
    tag = bob.get(f"/tasks/{task_id}").headers["ETag"]
    assert bob.get(f"/tasks/{task_id}", If_None_Match=tag).status_code == 304
    assert bob.post(f"/tasks/{task_id}/assign", If_Match=tag).status_code == 200
    late = bob.post(f"/tasks/{task_id}/unassign", If_Match=tag)
    assert (late.status_code, late.mimetype) == (412, "application/problem+json")
    assert bob.post(f"/tasks/{task_id}/unassign", If_Match="*").status_code == 200
    tag = carol.get(f"/processes/{process_id}").headers["ETag"]
    assert carol.post(f"/processes/{process_id}/suspend", If_Match=tag).status_code == 200
    assert carol.post(f"/processes/{process_id}/resume", If_Match=tag).status_code == 412


def test_a_form_that_was_read_before_somebody_elses_change_is_refused(program, started, open_task):
    process_id = started()
    task_id = open_task(process_id)
    bob, carol = program("bob"), program("carol")
    bob.post(f"/tasks/{task_id}/assign")
    tag = bob.get(f"/tasks/{task_id}").headers["ETag"]
    carol.call("PATCH", f"/processes/{process_id}/data", {"data": {"note": "new"}}, If_Match="*")
    body = {"data": {"approved": True, "note": "mine"}}
    assert bob.post(f"/tasks/{task_id}/execute", body, If_Match=tag).status_code == 412
    tag = bob.get(f"/tasks/{task_id}").headers["ETag"]
    assert bob.post(f"/tasks/{task_id}/execute", body, If_Match=tag).status_code == 200


def test_data_is_changed_by_who_says_what_they_have_read(program, started):
    process_id = started()
    carol = program("carol")
    path = f"/processes/{process_id}/data"
    body = {"data": {"count": 5, "lines": [{"what": "a"}]}, "reason": "a mistake"}
    assert carol.call("PATCH", path, body).status_code == 428
    tag = carol.get(f"/processes/{process_id}").headers["ETag"]
    changed = carol.call("PATCH", path, body, If_Match=tag)
    assert changed.status_code == 200, changed.text
    data = changed.json["data"]
    assert (data["count"], data["title"], [line["what"] for line in data["lines"]]) == (5, "Bees", ["a"])
    assert carol.call("PATCH", path, body, If_Match=tag).status_code == 412
    for wrong in ({"count": 100}, {"nothing": 1}, {"title": None}):
        refused = carol.call("PATCH", path, {"data": wrong}, If_Match="*")
        assert (refused.status_code, list(refused.json["errors"])) == (422, list(wrong))
    emptied = carol.call("PATCH", path, {"data": {"lines": [], "count": None}}, If_Match="*")
    assert (emptied.json["data"]["lines"], emptied.json["data"]["count"]) == ([], None)
    assert program("bob").call("PATCH", path, body, If_Match="*").status_code == 403
    events = carol.get(f"/processes/{process_id}/events").json["items"]
    assert [event["reason"] for event in events if event["action"] == "data"] == ["a mistake", None]
