"""Who may call: tokens with scopes, sessions with the token of their pages, and how often."""

import datetime as dt

import pytest
from sqlalchemy import update

from portal.engine.transaction import clock
from portal.models import KeptAnswer, Token, User, db, utcnow
from portal.web.writing import writing


def test_nobody_is_told_to_show_a_token(app, program):
    answer = program(None).get("/tasks")
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json["status"] == 401


@pytest.mark.parametrize(
    "header", ["Bearer portal_wrong", "Bearer ", "Basic YTpi", "nonsense", "Bearer \x7f€"]
)
def test_what_is_no_token_is_refused(app, order, header):
    answer = app.test_client().get(
        "/api/v1/tasks", headers={"Authorization": header.encode().decode("latin-1")}
    )
    assert answer.status_code == 401


def test_a_token_ends_when_it_expires_is_revoked_or_its_person_is_deactivated(app, people, program, moved):
    ended = program("alice")
    assert ended.get("/tasks").status_code == 200
    moved.add(dt.timedelta(days=31))
    assert ended.get("/tasks").status_code == 401
    moved.by = dt.timedelta()
    for change in (
        update(Token).values(revoked=utcnow()),
        update(User).where(User.username == "alice").values(is_active=False),
    ):
        alice = program("alice")
        assert alice.get("/tasks").status_code == 200
        with writing() as session:
            session.execute(change)
        assert alice.get("/tasks").status_code == 401


@pytest.fixture
def moved():
    class Moved:
        by = dt.timedelta()

        def add(self, span):
            self.by += span

    it = Moved()
    token = clock.set(lambda: utcnow() + it.by)
    yield it
    it.by = dt.timedelta()
    clock.reset(token)


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("read", "GET", "/tasks"),
        ("read", "GET", "/events"),
        ("start", "POST", "/flows/order/starts/start"),
        ("work", "POST", "/tasks/1/execute"),
        ("work", "POST", "/processes/1/withdraw"),
        ("manage", "POST", "/tasks/1/cancel"),
        ("manage", "POST", "/processes/1/cancel"),
        ("manage", "PATCH", "/processes/1/data"),
        ("manage", "POST", "/signals/holidays"),
        ("admin", "GET", "/people"),
    ],
)
def test_a_token_is_good_for_its_scopes_alone(program, scope, method, path):
    others = [name for name in ("read", "start", "work", "manage", "admin") if name != scope]
    body = None if method == "GET" else {"data": {}} if method == "PATCH" else {}
    without = program("erin", *others).call(method, path, body)
    assert without.status_code == 403
    assert "scope" in without.json["detail"]
    assert program("erin", scope).call(method, path, body).status_code != 403


def test_a_session_needs_the_token_of_its_pages_for_what_is_not_safe(app, order, make_user):
    app.config["WTF_CSRF_ENABLED"] = True
    make_user("sam", "order.can_start", password="correct horse")
    client = app.test_client()
    page = client.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    client.post("/login", data={"username": "sam", "password": "correct horse", "csrf_token": token})
    assert client.get("/api/v1/flows").status_code == 200
    start = {"data": {"title": "x"}}
    refused = client.post("/api/v1/flows/order/starts/start", json=start)
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")
    token = client.get("/profile").text.split('name="csrf_token" value="')[1].split('"')[0]
    done = client.post("/api/v1/flows/order/starts/start", json=start, headers={"X-CSRFToken": token})
    assert done.status_code == 201


def test_a_token_is_used_so_often_a_minute(app, program, moved):
    import dataclasses

    app.extensions["portal"] = dataclasses.replace(app.extensions["portal"], api_rate=3)
    bob = program("bob")
    left = [bob.get("/flows").headers["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = bob.get("/flows")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Limit"] == "3"
    assert program("alice").get("/flows").status_code == 200
    moved.add(dt.timedelta(minutes=1))
    assert bob.get("/flows").status_code == 200


def test_a_token_shows_when_it_was_used_last(program):
    program("bob").get("/flows")
    db.session.rollback()
    assert db.session.scalar(db.select(Token.seen)) <= utcnow()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("DELETE", "/tasks", None, 405),
        ("GET", "/tasks/999999999999999999999", None, 404),
        ("GET", "/tasks/1/execute", None, 405),
        ("GET", "/tasks?limit=201", None, 422),
        ("GET", "/tasks?limit=x", None, 422),
        ("GET", "/flows/nothing", None, 404),
        ("POST", "/flows/order/starts/approve", {}, 404),
        ("POST", "/flows/order/starts/start", {"data": []}, 422),
        ("POST", "/flows/order/starts/start", {"dta": {}}, 422),
        ("POST", "/flows/order/starts/start", [], 422),
    ],
)
def test_refusals_are_problems(program, method, path, body, status):
    answer = program("erin").call(method, path, body)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert answer.json["title"]


def test_a_body_is_json(app, program):
    erin = program("erin")
    path = "/api/v1/flows/order/starts/start"
    form = app.test_client().post(path, data={"title": "x"}, headers=erin.headers)
    assert form.status_code == 415
    broken = app.test_client().post(path, data="{", content_type="application/json", headers=erin.headers)
    assert broken.status_code == 400
    large = app.test_client().post(
        path, data=b" " * (17 * 1024 * 1024), content_type="application/json", headers=erin.headers
    )
    assert (large.status_code, large.mimetype) == (413, "application/problem+json")


def test_a_fault_of_ours_is_a_problem_too(app, program, monkeypatch):
    from portal.api import reports

    monkeypatch.setattr(reports, "now", lambda: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = program("erin").get("/reports/order")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert answer.json["reference"]


def test_what_is_kept_is_forgotten_after_a_day(program, moved):
    from portal.engine import answers

    alice = program("alice")
    body = {"data": {"title": "x"}}
    first = alice.post("/flows/order/starts/start", body, Idempotency_Key="k").json["id"]
    moved.add(dt.timedelta(days=1, minutes=1))
    assert alice.post("/flows/order/starts/start", body, Idempotency_Key="k").json["id"] != first
    moved.add(dt.timedelta(days=1, minutes=1))
    assert answers.prune(db.session()) == 1
    assert db.session.scalar(db.select(db.func.count()).select_from(KeptAnswer)) == 0
