"""A second client, which another generator makes of the document, walks through the story of the guide."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import httpx
import pytest

from flows.hello_world import HelloWorldFlow

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture
def database_url(sqlite):
    return sqlite


@pytest.fixture
def generated(app, register, tmp_path, monkeypatch):
    """The modules of the generated client, by their paths."""
    register(HelloWorldFlow)
    document = app.test_client().get("/api/v1/openapi.json").json
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    command += ["--path", str(tmp_path / "openapi.json"), "--output-path", str(tmp_path / "second_client")]
    made = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr
    told = (made.stdout + made.stderr).splitlines()
    assert all("/events/xes" in line for line in told if " parsing " in line), told  # which is no JSON
    monkeypatch.syspath_prepend(tmp_path)
    return lambda name: importlib.import_module(f"second_client.{name}")


def test_the_story_of_a_message(app, generated, make_user, token_of):
    client_class = generated("client").AuthenticatedClient
    models = generated("models")

    def portal_of(username):
        transport = httpx.WSGITransport(app=app)
        return client_class(
            "http://localhost/api/v1", token=token_of(username), httpx_args={"transport": transport}
        )

    def call(name, *path, portal, status=200, **given):
        answer = generated(f"api.{name}").sync_detailed(*path, client=portal, **given)
        assert answer.status_code == status, answer.content
        return answer.parsed

    alice, bob = portal_of("alice"), portal_of("bob")
    assert [each.label for each in call("flows.get_flows", portal=alice).items] == ["hello_world"]
    form = call("flows.get_flows_label_starts_node", "hello_world", "start", portal=alice)
    assert form.schema.additional_properties["required"] == ["text"]
    body = models.StartBody(data=models.StartBodyData.from_dict({"text": "Hello"}))
    start = {"portal": alice, "body": body, "idempotency_key": "order-4711", "status": 201}
    process = call("flows.post_flows_label_starts_node", "hello_world", "start", **start)
    again = call("flows.post_flows_label_starts_node", "hello_world", "start", **start)
    assert process == again
    empty = models.StartBody(data=models.StartBodyData.from_dict({"text": ""}))
    problem = call(
        "flows.post_flows_label_starts_node", "hello_world", "start", portal=alice, body=empty, status=422
    )
    assert problem.errors.additional_properties == {"text": ["This field is required."]}
    queue = models.GetTasksList.QUEUE
    [task] = call("tasks.get_tasks", portal=bob, list_=queue, flow="hello_world").items
    actions = models.PostTasksTaskIdActionAction
    act, given = "tasks.post_tasks_task_id_action", models.TaskActionBodyData.from_dict({"approved": True})
    decide = models.TaskActionBody(data=given, reason="fine")
    call(act, task.id, actions.EXECUTE, portal=bob, body=decide, status=409)
    taken = call(act, task.id, actions.ASSIGN, portal=bob, body=models.TaskActionBody())
    assert taken.owner.username == "bob"
    done = call(act, task.id, actions.EXECUTE, portal=bob, body=decide)
    assert (done.status, done.finished is not None) == ("DONE", True)
    read = call("processes.get_processes_process_id", process.id, portal=alice)
    assert read.data.additional_properties["approved"] is True
    assert "execute" in {event.action for event in call("events.get_events", portal=alice).items}


@pytest.fixture
def people(generated, make_user):
    return {
        "alice": make_user("alice", "hello_world.can_start"),
        "bob": make_user("bob", "hello_world.can_approve"),
    }
