"""Programs call a portal below the prefix of another application, as themselves."""

import pytest

from portal.models import db, find_user, issue
from portal.web.writing import writing


@pytest.fixture
def token(app, sign_in):
    sign_in("claire").get("/work/inbox")  # she is made at first sight
    with app.app_context():
        with writing() as session:
            _, secret = issue(session, find_user(session, "claire"), "test", ["read", "start", "work"], 1)
        db.session.remove()
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_is_good_below_the_prefix(app, token):
    client = app.test_client()
    flows = client.get("/work/api/v1/flows", headers=token)
    assert flows.status_code == 200, flows.text
    assert client.get("/work/api/v1/tasks").status_code == 401
    document = client.get("/work/api/v1/openapi.json").json
    assert document["servers"] == [{"url": "/work/api/v1"}]
    assert "/tasks/{task_id}" in document["paths"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "nothing", 404), ("DELETE", "tasks", 405)])
def test_refusals_below_the_prefix_are_problems(app, token, method, path, status):
    answer = app.test_client().open(f"/work/api/v1/{path}", method=method, headers=token)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_the_host_keeps_its_own_pages(app):
    answer = app.test_client().get("/api/v1/tasks")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"


def test_where_forms_are_protected_programs_are_asked_for_their_token(make_shop, token):
    app = make_shop(WTF_CSRF_ENABLED=True)
    client = app.test_client()
    assert client.post("/work/api/v1/signals/x", json={}).status_code == 401
    refused = client.post("/work/api/v1/tasks/1/execute", json={}, headers=token)
    assert refused.status_code == 404


def test_without_the_extra_there_is_no_api(monkeypatch):
    from portal import api

    monkeypatch.setattr(api, "find_spec", lambda name: None)
    assert api.blueprints() == ()
