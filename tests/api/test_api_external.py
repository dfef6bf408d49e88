"""External tasks: fetched, locked, completed and failed by programs, with the lease and the fence of jobs."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from portal import flow, jsonstore, this
from portal.engine import external
from portal.engine.queue import timers
from portal.engine.transaction import clock
from portal.models import Event, Incident, Process, Task, db, utcnow

LOCK = {"worker_id": "w1", "topics": [{"topic_name": "ocr", "lock_duration": 60_000}]}


class ScanProcess(Process):
    text = jsonstore.StringField("Text", max_length=20, required=True)
    pages = jsonstore.IntegerField("Pages", min_value=1)


class ScanFlow(flow.Flow):
    """Scan"""

    process_class = ScanProcess

    start = flow.StartHandle(this.begin).Next(this.scan)
    scan = (
        flow.ExternalTask("ocr", retries=1, backoff=dt.timedelta(minutes=1))
        .Permission(auto_create=True)
        .OnError(this.mend, code="unreadable")
        .OnTimeout(dt.timedelta(days=2), this.late)
        .Next(this.count)
    )
    count = flow.ExternalTask("count", this.take_count).Next(this.end)
    mend = flow.ManualTask().Next(this.end)
    late = flow.ManualTask().Next(this.end)
    end = flow.End()

    def begin(self, activation, pages=1):
        activation.process.pages = pages

    def take_count(self, activation, words):
        if words < 0:
            raise ValueError("A text has no fewer than no words.")
        activation.process.data["words"] = words


@pytest.fixture
def moved():
    by = [dt.timedelta()]
    token = clock.set(lambda: utcnow() + by[0])
    yield lambda **span: by.__setitem__(0, by[0] + dt.timedelta(**span))
    clock.reset(token)


@pytest.fixture
def robot(program, register, make_user, people):
    register(ScanFlow)
    people["robot"] = make_user("robot", "scan.can_scan")
    return program("robot", "work")


def fetch(robot, worker="w1", topic="ocr", **more):
    body = {"worker_id": worker, "topics": [{"topic_name": topic, "lock_duration": 60_000}], **more}
    answer = robot.post("/external-tasks/fetch-and-lock", body)
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def lock_of(task):
    return {"worker_id": task["worker_id"], "attempt": task["attempt"]}


def test_two_programs_share_the_tasks_and_none_is_done_twice(app, robot):
    for pages in range(1, 7):
        ScanFlow.start.run(pages=pages)
    got, together = [], threading.Barrier(2)

    def work(name):
        together.wait()
        with app.app_context():
            for _ in range(4):
                got.extend(fetch(robot, name, max_tasks=2))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(task["data"]["pages"] for task in got) == [1, 2, 3, 4, 5, 6]
    for task in got:
        done = robot.post(f"/external-tasks/{task['id']}/complete", lock_of(task) | {"data": {"text": "x"}})
        assert done.status_code == 204, done.text
    db.session.rollback()
    query = db.select(Task.status).where(Task.flow_task == "scan")
    assert list(db.session.scalars(query)) == ["DONE"] * 6


class TestOnOneDatabase:
    @pytest.fixture
    def database_url(self, sqlite):
        return sqlite

    def test_the_way_of_a_task(self, robot, program, moved):
        process = ScanFlow.start.run() or db.session.scalars(db.select(ScanProcess)).one()
        process_id = process.id
        db.session.rollback()
        assert robot.get("/external-tasks?topic=ocr").json["items"][0]["status"] == "SCHEDULED"
        assert timers.turn(db.session()) == 0
        [task] = fetch(robot)
        assert (task["status"], task["worker_id"], task["attempt"], task["retries"]) == (
            "STARTED",
            "w1",
            1,
            2,
        )
        assert fetch(robot, "w2") == []
        path = f"/external-tasks/{task['id']}"
        told = {"progress": {"done": 1, "total": 4, "message": "page 1"}, "new_duration": 120_000}
        assert robot.post(f"{path}/extend-lock", lock_of(task) | told).status_code == 204
        db.session.rollback()
        assert db.session.get_one(Task, task["id"]).progress["message"] == "page 1"
        moved(seconds=90)
        assert fetch(robot, "w2") == []  # it was extended
        wrong = robot.post(f"{path}/complete", lock_of(task) | {"data": {"text": "x" * 21}})
        assert (wrong.status_code, sorted(wrong.json["errors"])) == (422, ["text"])
        other = robot.post(f"{path}/complete", {"worker_id": "w2"})
        assert (other.status_code, other.mimetype) == (409, "application/problem+json")
        body = lock_of(task) | {"data": {"text": "hello"}}
        first = robot.post(f"{path}/complete", body, Idempotency_Key="k")
        again = robot.post(f"{path}/complete", body, Idempotency_Key="k")
        assert (first.status_code, again.status_code) == (204, 204)
        assert robot.post(f"{path}/complete", body).status_code == 409
        # the next one has a function, and is for who manages the flow alone
        assert fetch(robot, topic="count") == []
        erin = program("erin")
        [counted] = fetch(erin, topic="count")
        path = f"/external-tasks/{counted['id']}"
        assert robot.post(f"{path}/complete", lock_of(counted)).status_code == 403
        for data in ({"words": -1}, {"words": "many"}, {"wrds": 1}, {}):
            assert erin.post(f"{path}/complete", lock_of(counted) | {"data": data}).status_code == 422
        assert erin.post(f"{path}/complete", lock_of(counted) | {"data": {"words": 3}}).status_code == 204
        read = erin.get(f"/processes/{process_id}").json
        assert (read["status"], read["data"]["text"]) == ("DONE", "hello")
        db.session.rollback()
        workers = [(each.detail or {}).get("worker") for each in db.session.scalars(db.select(Event))]
        assert workers.count("w1") == 2

    def test_a_lock_that_has_run_out_fences_its_program_off(self, robot, moved):
        ScanFlow.start.run()
        [task] = fetch(robot)
        moved(seconds=61)
        [taken] = fetch(robot)  # by another thread of the same name
        assert (taken["id"], taken["attempt"]) == (task["id"], 2)
        late = robot.post(
            f"/external-tasks/{task['id']}/complete", lock_of(task) | {"data": {"text": "late"}}
        )
        assert late.status_code == 409
        assert robot.post(f"/external-tasks/{task['id']}/unlock", lock_of(taken)).status_code == 204
        [third] = fetch(robot, "w3")
        assert third["attempt"] == 3

    def test_failures_are_tried_again_and_become_an_incident(self, robot, program, moved):
        ScanFlow.start.run()
        [task] = fetch(robot)
        path = f"/external-tasks/{task['id']}"
        told = {"error_message": "no paper", "error_details": "line 7"}
        assert robot.post(f"{path}/failure", lock_of(task) | told).status_code == 204
        assert fetch(robot) == []
        moved(minutes=2)
        [task] = fetch(robot)
        assert (task["attempt"], task["retries"], task["error_message"]) == (2, 1, "no paper")
        more = told | {"retries": 2, "retry_timeout": 5_000}  # the program knows better than the flow
        assert robot.post(f"{path}/failure", lock_of(task) | more).status_code == 204
        moved(seconds=6)
        [task] = fetch(robot)
        assert task["retries"] == 2
        assert robot.post(f"{path}/failure", lock_of(task) | told | {"retries": 0}).status_code == 204
        erin = program("erin")
        assert erin.get(f"/tasks/{task['id']}").json["status"] == "ERROR"
        db.session.rollback()
        assert db.session.scalar(db.select(db.func.count(Incident.key))) == 1
        assert "line 7" in db.session.get_one(Task, task["id"]).data["_exception"]["traceback"]
        assert erin.post(f"/tasks/{task['id']}/revive").status_code == 200
        [fresh] = fetch(robot)
        assert (fresh["attempt"], fresh["retries"]) == (1, 2)

    def test_events_on_its_border(self, robot, moved):
        for _ in range(2):
            ScanFlow.start.run()
        first, second = fetch(robot)
        path = f"/external-tasks/{first['id']}/bpmn-error"
        body = lock_of(first) | {"error_code": "unreadable", "error_message": "smudged", "data": {"pages": 3}}
        assert robot.post(path, body).status_code == 204
        db.session.rollback()
        assert db.session.get_one(Process, first["process"]).pages == 3
        open_now = db.select(Task.flow_task).where(
            Task.finished.is_(None), ~Task.flow_task.contains("__", autoescape=True)
        )
        assert sorted(db.session.scalars(open_now)) == ["mend", "scan"]
        other = robot.post(
            f"/external-tasks/{second['id']}/bpmn-error", lock_of(second) | {"error_code": "burnt"}
        )
        assert other.status_code == 204
        db.session.rollback()
        assert db.session.get_one(Task, second["id"]).status == "ERROR"
        ScanFlow.start.run()
        [third] = fetch(robot)
        moved(days=3)
        for due in timers.due(db.session(), utcnow() + dt.timedelta(days=4)):
            timers.fire(db.session(), due.task_id)
        db.session.rollback()
        assert db.session.get_one(Task, third["id"]).status == "CANCELED"
        late = robot.post(f"/external-tasks/{third['id']}/complete", lock_of(third) | {"data": {"text": "x"}})
        assert late.status_code == 409

    def test_what_may_not_be_fetched(self, robot, program, started):
        process = ScanFlow.start.run() or db.session.scalars(db.select(ScanProcess)).one()
        process_id = process.id
        db.session.rollback()
        assert fetch(program("dave")) == []
        erin = program("erin")
        erin.post(f"/processes/{process_id}/suspend")
        assert fetch(robot) == []
        erin.post(f"/processes/{process_id}/resume")
        for body in (
            {},
            LOCK | {"worker_id": ""},
            LOCK | {"worker_id": "\0"},
            LOCK | {"topics": []},
            LOCK | {"max_tasks": 0},
            LOCK | {"max_tasks": "x"},
            LOCK | {"topics": [{"topic_name": "ocr", "lock_duration": 1}]},
            LOCK | {"topics": [{"topic_name": "ocr", "lock_duration": 10**30}]},
        ):
            assert robot.post("/external-tasks/fetch-and-lock", body).status_code == 422, body
        started()
        order = erin.get("/tasks?flow=order").json["items"][0]["id"]
        assert erin.get(f"/external-tasks/{order}").status_code == 404
        body = {"worker_id": "w", "error_code": "x", "new_duration": 1000}
        for word, takes in (
            ("complete", ["worker_id"]),
            ("failure", ["worker_id"]),
            ("bpmn-error", ["worker_id", "error_code"]),
            ("extend-lock", ["worker_id", "new_duration"]),
            ("unlock", ["worker_id"]),
        ):
            for number in (order, 9999, 2**63):
                answer = erin.post(f"/external-tasks/{number}/{word}", {name: body[name] for name in takes})
                assert answer.status_code == 404, (word, number)
        assert program("robot", "read").get("/external-tasks").status_code == 403

    def test_its_page_says_who_works_on_it(self, app, robot, make_user):
        make_user("max", is_superuser=True, password="correct horse")
        ScanFlow.start.run()
        client = app.test_client()
        client.post("/login", data={"username": "max", "password": "correct horse"})
        assert "Waits for a program that works on “ocr”" in client.get("/admin/jobs").text
        fetch(robot, "the reader")
        assert "the reader" in client.get("/admin/jobs").text
        [task] = client.get("/api/v1/external-tasks").json["items"]
        for page in (f"/processes/{task['process']}", f"/tasks/{task['id']}"):
            assert client.get(page).status_code == 200


def test_a_wrong_declaration_is_told():
    from portal.errors import FlowError

    for made, told in (
        (lambda: flow.ExternalTask(""), "takes a text"),
        (lambda: flow.ExternalTask("x", retries=-1), "retries="),
        (lambda: flow.ExternalTask("x").Permission("a.b", obj=lambda a: 1), "people's tasks"),
        (lambda: flow.ExternalTask("x", lambda activation, task: None), "rename it"),
    ):
        with pytest.raises(FlowError, match=told):
            type(
                "WrongFlow",
                (flow.Flow,),
                {
                    "process_class": Process,
                    "start": flow.StartHandle().Next(this.work),
                    "work": made().Next(this.end),
                    "end": flow.End(),
                },
            )


def test_it_is_exported_and_read_again():
    from portal.modeller import diagram
    from portal.render.bpmn import bpmn

    [found] = diagram.read(bpmn(ScanFlow))
    assert [each.topic for each in found.elements.values() if each.topic] == ["ocr", "count"]
    assert external.may_work(None, ScanFlow.scan)
