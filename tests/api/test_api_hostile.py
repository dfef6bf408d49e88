"""What no program should send is refused in words, never with a 500, and nothing of it is done by half."""

import dataclasses

import pytest

from portal.api import repeats
from portal.models import KeptAnswer, Process, db

TEXTS = [
    "\0", "a\0b", "\ud800", "\uffff", "\x1b[0m\r\nX: y", "A" * 20_000, "-1", "9" * 30, "1e400", "NaN", "", " ",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", "2026-02-30", "P99999999999999D", "'\";--",
    "%", "../../etc/passwd", "\N{ARABIC-INDIC DIGIT THREE}",
]  # fmt: skip
#: those that an address can carry
SENT = [text for text in TEXTS if text != "\ud800"]
VALUES = [
    *TEXTS, None, True, False, 0, -1, 2**31, 2**63, 10**40, 1.5, 1e308, [], {}, [[]], [None], {"a": {}},
    [{}], {"id": "x"}, {"content": "!"}, {"content": 1}, {"content": ""}, {"what": None}, [{"what": [1]}], {"": ""},
]  # fmt: skip
FIELDS = [
    "title", "note", "count", "amount", "weight", "urgent", "size", "day", "moment", "clock", "span", "key", "mail",
    "link", "more", "scan", "place", "lines", "nothing", "_exception", "", "csrf_token", "id",
]  # fmt: skip


@pytest.fixture
def erin(app, program):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.extensions["portal"] = dataclasses.replace(app.extensions["portal"], api_rate=0)
    return program("erin")


@pytest.mark.parametrize("field", FIELDS)
def test_in_a_field_of_a_form(erin, field):
    for value in VALUES[FIELDS.index(field) % 3 :: 3]:  # each value meets a third of the fields
        answer = erin.post("/flows/order/starts/start", {"data": {"title": "x", field: value}})
        assert answer.status_code in (201, 422), (field, value, answer.text)
        if answer.status_code == 201:
            read = erin.get(f"/processes/{answer.json['id']}")
            assert read.status_code == 200


def test_in_the_data_of_a_process(erin, started):
    process_id = started()
    for number, field in enumerate(FIELDS):
        for value in VALUES[number % 9 :: 9]:
            answer = erin.call(
                "PATCH", f"/processes/{process_id}/data", {"data": {field: value}}, If_Match="*"
            )
            assert answer.status_code in (200, 422), (field, value, answer.text)


def test_in_the_members_of_a_body(erin, started, open_task):
    process_id = started()
    task_id = open_task(process_id)
    for value in VALUES:
        for path, name in (
            (f"/tasks/{task_id}/assign", "user"),
            (f"/tasks/{task_id}/move", "to"),
            (f"/tasks/{task_id}/snooze", "until"),
            (f"/tasks/{task_id}/unassign", "reason"),
            (f"/processes/{process_id}/resume", "reason"),
            (f"/processes/{process_id}/comments", "text"),
            (f"/processes/{process_id}/comments", "task"),
            ("/flows/order/handles/pay", "process"),
            ("/flows/order/handles/begin", "data"),
            ("/flows/order/messages/recall", "process"),
            ("/flows/order/starts/start", "data"),
        ):
            answer = erin.post(path, {name: value})
            assert answer.status_code < 500, (path, name, value, answer.text)


@pytest.mark.parametrize("name", ["q", "flow", "person", "state", "due", "since", "priority", "sort", "after", "limit",
                                  "data.amount.gt", "list", "mine", "until", "step"])  # fmt: skip
def test_in_the_query(erin, started, name):
    started()
    for path in ("/tasks", "/processes", "/events", "/flows", "/people", "/roles", "/processes/1/tasks",
                 "/processes/1/events", "/processes/1/comments", "/processes/1/files", "/reports/order"):  # fmt: skip
        for text in SENT[len(name + path) % 5 :: 5]:  # each text meets a fifth of the pairs
            answer = erin._client.get(
                f"/api/v1{path}", query_string={"flow": "order", name: text}, headers=erin.headers
            )
            assert answer.status_code in (200, 422), (path, name, text, answer.text)


def test_bodies_that_are_none(erin):
    for body in (
        b"",
        b"null",
        b"[",
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"data": ' * 3000,
        b'"x"',
        b"1e999",
        b'{"data": NaN}',
    ):
        answer = erin._client.post(
            "/api/v1/flows/order/starts/start",
            data=body,
            content_type="application/json",
            headers=erin.headers,
        )
        assert answer.status_code in (400, 422), (body[:40], answer.text)


@pytest.mark.parametrize(
    "name", ["If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID", "Accept", "Content-Type"]
)
def test_in_a_header(erin, started, name):
    process_id = started()
    for text in ("", "*", '"', 'W/"', "x" * 4000, "\xff", ",,,", "*/*;q=x", "0"):
        for method, path, body in (
            ("GET", f"/processes/{process_id}", None),
            ("GET", "/events", None),
            ("POST", f"/processes/{process_id}/resume", {}),
        ):
            answer = erin.call(method, path, body, **{name.replace("-", "_"): text})
            assert answer.status_code < 500, (name, text, path, answer.text)


class Death(BaseException):
    """The process dies here."""


def test_who_dies_in_the_middle_has_done_nothing_and_the_key_is_free(erin, monkeypatch):
    def die(*_):
        raise Death

    body = {"data": {"title": "x"}}
    with monkeypatch.context() as patched:
        patched.setattr(repeats, "_keep", die)
        with pytest.raises(Death):
            erin.post("/flows/order/starts/start", body, Idempotency_Key="k")
    db.session.rollback()
    assert db.session.scalar(db.select(db.func.count(Process.id))) == 0
    assert db.session.scalar(db.select(db.func.count()).select_from(KeptAnswer)) == 0
    assert erin.post("/flows/order/starts/start", body, Idempotency_Key="k").status_code == 201
    again = erin.post("/flows/order/starts/start", body, Idempotency_Key="k")
    assert again.headers["Idempotent-Replayed"] == "true"
