"""The insides of a process, where the portal is debugged and nowhere else."""

import pytest

from portal import flow, jsonstore, this, trace
from portal.models import Process, create_user
from portal.web.debugging import Recorder

PASSWORD = "correct horse"


class InsideProcess(Process):
    amount = jsonstore.IntegerField("Amount")


class InsideFlow(flow.Flow):
    process_class = InsideProcess
    start = flow.StartHandle().Next(this.both)
    both = flow.Split().Next(this.look).Next(this.wait).Next(this.quick)
    look = flow.ManualTask().Permission(auto_create=True).Next(this.join)
    wait = flow.Handle().Next(this.join)
    quick = flow.Function(lambda activation: None).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


@pytest.fixture
def debugged(applications):
    with applications.lend(DATABASE_URL="sqlite://", FLOWS=[], DEBUG=True) as app:
        app.extensions["portal_flows"].register(InsideFlow)
        yield app


def test_the_page_has_tokens_joins_reasons_and_statements(debugged):
    create_user("mona", PASSWORD, permissions=["inside.manage", "inside.can_look"])
    create_user("vera", PASSWORD, permissions=["inside.view"])
    process = InsideFlow.start.run()
    process_id, look = process.id, next(task.id for task in process.tasks if task.flow_task == "look")
    client = debugged.test_client()
    client.post("/login", data={"username": "mona", "password": PASSWORD})
    address = f"/processes/{process_id}/debug"
    assert f'href="{address}"' in client.get(f"/processes/{process_id}").text
    assert client.post(f"/tasks/{look}/assign").status_code == 303
    page = client.get(address).text
    for words in (
        "start/2_1", "mona has it", f"InsideFlow.wait.run(process={process_id})", "it waits for the branches of",
        f"POST /tasks/{look}/assign", "UPDATE portal_task", "COMMIT",
    ):  # fmt: skip
        assert words in page, words
    other = debugged.test_client()
    other.post("/login", data={"username": "vera", "password": PASSWORD})
    assert other.get(address).status_code == 403
    assert address not in other.get(f"/processes/{process_id}").text


def test_it_is_not_there_where_nobody_debugs(client_of, submit):
    assert client_of("erin").get(f"/processes/{submit('Bees')}/debug").status_code == 404


def test_the_recorder_forgets_the_oldest(monkeypatch):
    monkeypatch.setattr("portal.web.debugging.ACTIONS", 2)
    recorder = Recorder()
    for number in range(3):
        with trace.following(f"trace-{number}"):
            recorder.note_process(number)
    assert [recorder.last(number, ()) is None for number in range(3)] == [True, False, False]
    assert recorder.last(9, ["trace-2"]).about == {2}
