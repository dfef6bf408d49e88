"""The client that comes with the portal, checked against the document."""

import re
from typing import get_args, get_type_hints

import httpx
import pytest

from portal import client as clients
from portal.client import Client, Refused, connection


@pytest.fixture
def portal_of(app, token_of):
    made = []

    def make(username):
        portal = Client("http://localhost", token_of(username), transport=httpx.WSGITransport(app=app))
        made.append(portal)
        return portal

    yield make
    for each in made:
        each.close()


def test_the_way_of_an_order(portal_of):
    alice, bob, carol = portal_of("alice"), portal_of("bob"), portal_of("carol")
    assert [flow["label"] for flow in alice.flows()] == ["order"]
    assert alice.start_form("order")["schema"]["required"] == ["title"]
    process = alice.start("order", data={"title": "by a client"}, key="once")
    assert alice.start("order", data={"title": "by a client"}, key="once") == process
    [task] = bob.tasks("queue", flow="order")
    bob.act(task["id"], "assign")
    with pytest.raises(Refused) as refused:
        bob.act(task["id"], "execute", data={"approved": False})
    assert (refused.value.status, list(refused.value.errors)) == (422, ["remark"])
    tag = bob.tag_of(f"tasks/{task['id']}")
    assert bob.act(task["id"], "execute", data={"approved": True}, tag=tag)["status"] == "DONE"
    assert carol.call("order", "pay", process=process["id"], paid=3)["data"]["paid"] == 3
    carol.change_data(process["id"], {"note": "x"}, tag="*", reason="why not")
    carol.comment(process["id"], "hello")
    assert [each["text"] for each in alice.comments_of(process["id"])] == ["hello"]
    assert [each["number"] for each in carol.tasks_of(process["id"])][:2] == [1, 2]
    events, after = carol.events()
    assert "execute" in {event["action"] for event in events}
    assert carol.events(after) == ([], after)
    assert carol.act_on_process(process["id"], "cancel")["status"] == "CANCELED"
    assert [each["id"] for each in carol.processes()] == [process["id"]]


def test_lists_are_read_to_their_end(portal_of, started):
    for number in range(5):
        started(f"order {number}")
    assert len(list(portal_of("carol").processes(limit=2))) == 5


def test_what_was_cut_off_is_called_again_with_the_same_key(app, token_of, order, monkeypatch):
    monkeypatch.setattr(connection, "WAIT", 0)
    real, keys = httpx.WSGITransport(app=app), []

    class Lossy(httpx.BaseTransport):
        def handle_request(self, request):
            keys.append(request.headers["Idempotency-Key"])
            answer = real.handle_request(request)
            if len(keys) == 1:
                raise httpx.ReadError("lost", request=request)
            if len(keys) == 2:
                return httpx.Response(503, headers={"Retry-After": "0"})
            return answer

    with Client("http://localhost", token_of("alice"), transport=Lossy()) as portal:
        process = portal.start("order", data={"title": "x"})
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert process["id"] == 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (clients.Person, "Person"),
        (clients.StartForm, "StartForm"),
        (clients.Flow, "Flow"),
        (clients.Process, "Process"),
        (clients.ProcessDetail, "ProcessDetail"),
        (clients.Task, "Task"),
        (clients.TaskDetail, "TaskDetail"),
        (clients.ExternalTask, "ExternalTask"),
        (clients.Event, "Event"),
        (clients.Comment, "Comment"),
    ],
)
def test_its_types_are_those_of_the_document(app, order, ours, theirs):
    schema = app.test_client().get("/api/v1/openapi.json").json["components"]["schemas"][theirs]
    assert set(get_type_hints(ours)) == set(schema["properties"])
    assert set(schema["required"]) == set(schema["properties"])


def test_its_addresses_and_actions_are_those_of_the_document(app, order):
    import inspect

    paths = app.test_client().get("/api/v1/openapi.json").json["paths"]
    patterns = [re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path)) for path in paths]
    source = inspect.getsource(Client)
    called = re.findall(r'"(/(?:flows|tasks|external-tasks|processes|signals|events)[^"]*)"', source)
    assert len(called) > 12
    for path in called:
        plain = re.sub(r"\{[^}]*\}", "x", path)
        assert any(re.fullmatch(pattern, plain) for pattern in patterns), path

    def actions(path):
        return set(paths[path]["parameters"][1]["schema"]["enum"])

    assert set(get_args(clients.TaskAction)) == actions("/tasks/{task_id}/{action}")
    assert set(get_args(clients.ProcessAction)) == actions("/processes/{process_id}/{action}")
