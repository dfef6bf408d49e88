"""Refusals are pages in the frame of the portal, with a way on."""

import logging

import pytest
from flask import abort

from portal import flow, this, views
from portal.models import db


@pytest.mark.parametrize(
    ("method", "address", "code"),
    [
        ("get", "/nowhere", 404),
        ("post", "/inbox", 405),
        ("get", "/tasks/999", 404),
        ("get", "/processes/999", 404),
        ("get", "/flows/none", 404),
        ("get", "/flows/paper", 403),
        ("delete", "/tasks/1", 405),
    ],
)
def test_a_refusal_is_a_page_with_a_way_on(dave, method, address, code):
    answer = getattr(dave, method)(address)
    assert answer.status_code == code
    assert 'href="/inbox"' in answer.text
    assert 'id="navigation"' in answer.text
    if code == 405:
        assert "GET" in answer.headers["Allow"]


def test_a_stranger_gets_the_page_too(app, people):
    answer = app.test_client().get("/nowhere")
    assert answer.status_code == 404
    assert 'href="/login"' in answer.text


def test_a_broken_view_is_500_with_a_reference_that_is_logged_and_nothing_happened(
    app, client_of, people, register, caplog
):
    def broken(activation):
        activation.process.data["half"] = "done"
        raise RuntimeError("the view is broken")

    class BrokenFlow(flow.Flow):
        start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.work)
        work = flow.View(broken).Next(this.end)
        end = flow.End()

    register(BrokenFlow)
    process = views.submit(BrokenFlow.start, people["erin"])
    erin = client_of("erin")
    task_id = process.tasks[1].id
    erin.post(f"/tasks/{task_id}/assign")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with caplog.at_level(logging.ERROR):
        answer = erin.post(f"/tasks/{task_id}/execute")
    assert answer.status_code == 500
    assert "the view is broken" not in answer.text
    reference = answer.text.split("<code>")[1].split("</code>")[0]
    logged = [record for record in caplog.records if reference in record.getMessage()]
    assert len(logged) == 1
    assert "the view is broken" in str(logged[0].exc_info[1])
    db.session.expire_all()
    assert "half" not in process.data
    assert erin.get("/inbox").status_code == 200


def test_a_failed_step_keeps_the_form_and_shows_the_traceback_to_managers(client_of, people, register):
    def fail(activation):
        raise ValueError("no more paper")

    class FailingFlow(flow.Flow):
        start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.work)
        work = flow.Function(fail).Next(this.end)
        end = flow.End()

    register(FailingFlow)
    process = views.submit(FailingFlow.start, people["dave"])
    task_id = process.tasks[1].id
    page = client_of("erin").get(f"/tasks/{task_id}").text
    assert "no more paper" in page
    assert "Traceback" in page
    assert "Retry" in page
    page = client_of("dave").get(f"/tasks/{task_id}").text
    assert "Failed" in page
    assert "no more paper" not in page
    assert "flow-is-failed" in client_of("dave").get(f"/processes/{process.id}").text


def test_too_large_is_413(app, alice):
    app.config["MAX_CONTENT_LENGTH"] = 1000
    answer = alice.post("/flows/paper/start/start", data={"title": "x" * 5000})
    assert answer.status_code == 413
    assert "Too large" in answer.text


def test_a_form_without_its_token_is_400_with_a_page(tmp_path):
    from portal import create_app
    from portal.models import create_user, init_db

    url = f"sqlite:///{tmp_path / 'tokens.sqlite'}"
    app = create_app({"DATABASE_URL": url, "FLOWS": [], "SCHEDULER": "off", "TESTING": True})
    with app.app_context():
        init_db()
        create_user("bob", "correct horse")
    with app.app_context():
        client = app.test_client()
        page = client.get("/login").text
        token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
        data = {"username": "bob", "password": "correct horse"}
        answer = client.post("/login", data=data)
        assert answer.status_code == 400
        assert "Your session has expired" in answer.text
        assert client.post("/login", data={**data, "csrf_token": token}).status_code == 303
        assert client.post("/logout").status_code == 400
        assert client.get("/inbox").status_code == 200
        db.engine.dispose()


def test_strict_headers(alice):
    headers = alice.get("/inbox").headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "address", ["/inbox", "/queue", "/flows", "/flows/paper", "/processes", "/profile", "/login"]
)
def test_no_page_needs_inline_code(client_of, submit, address):
    submit()
    page = client_of("erin").get(address, follow_redirects=True).text
    for inline in (" style=", "<style", " onclick=", "javascript:", "<script>"):
        assert inline not in page


def test_who_has_lost_the_permission_is_told_the_way_on(bob, people, submit, take, status_of):
    task_id = take(submit())
    people["bob"].permissions = ["paper.can_sign"]
    people["dave"].permissions = ["paper.can_review"]
    db.session.commit()
    for answer in (
        bob.post(f"/tasks/{task_id}/execute", data={"accepted": "y"}),
        bob.get(f"/tasks/{task_id}/execute"),
    ):
        assert answer.status_code == 403
        assert "You no longer hold the permission for this task (paper.can_review)" in answer.text
        assert f'action="/tasks/{task_id}/unassign"' in answer.text
        assert "Can be taken by dave" in answer.text
    assert status_of(task_id) == "ASSIGNED"
    assert f"/tasks/{task_id}/execute" not in bob.get(f"/tasks/{task_id}").text
    assert bob.post(f"/tasks/{task_id}/unassign", data={"next": "/inbox"}).status_code == 303
    assert status_of(task_id) == "NEW"


def test_a_hand_over_to_who_is_deactivated_is_422_in_words(carol, people, submit, take):
    task_id = take(submit())
    people["dave"].permissions, people["dave"].is_active = ["paper.can_review"], False
    db.session.commit()
    answer = carol.post(f"/tasks/{task_id}/reassign", data={"user": "dave"})
    assert answer.status_code == 422
    assert "dave is deactivated" in answer.text
    carol.post("/tasks/reassign", data={"task": task_id, "user": "dave"})
    assert "dave is deactivated" in carol.get("/inbox").text


def test_a_view_that_cannot_answer_now_has_words(app, alice, monkeypatch):
    monkeypatch.setitem(app.view_functions, "portal.lists.inbox", lambda: abort(503))
    answer = alice.get("/inbox")
    assert answer.status_code == 503
    assert "Not available now" in answer.text
    assert "Try again in a moment." in answer.text


def test_who_was_slower_reads_the_name_of_who_has_it_now(bob, carol, people, submit, take):
    task_id = take(submit("On bees"))
    people["erin"].full_name = "Erin Editor"
    db.session.commit()
    carol.post(f"/tasks/{task_id}/reassign", data={"user": "erin"})
    answer = bob.post(f"/tasks/{task_id}/execute", data={"accepted": "y"})
    assert answer.status_code == 403
    assert "to Erin Editor" in answer.text
