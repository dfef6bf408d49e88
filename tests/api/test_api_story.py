"""The way of one order through the API, from the form's schema to its end."""

import base64

from portal import flow, jsonstore, this
from portal.models import Process, db

FULL = {
    "title": "Bees",
    "note": "two\nlines",
    "count": 3,
    "amount": "12.50",
    "weight": 1.5,
    "urgent": True,
    "size": "large",
    "day": "2026-12-31",
    "moment": "2026-12-31T14:30:00+01:00",
    "clock": "14:30",
    "span": "PT1H30M",
    "key": "7c0b4c1e-6c3c-4f57-9d0f-0d8a3a3f6b11",
    "mail": "a@example.com",
    "link": "https://example.com/",
    "more": {"a": [1, None]},
    "scan": {"name": "a.txt", "type": "text/plain", "content": base64.b64encode(b"hello").decode()},
    "place": {"what": "here", "price": "1", "paid": True},
    "lines": [{"what": "one", "price": "1.10"}, {"what": "two", "paid": True}],
}
READ = FULL | {
    "moment": "2026-12-31T13:30:00+00:00",
    "clock": "14:30:00",
    "span": "PT5400S",
    "lines": [{"what": "one", "price": "1.10", "paid": False}, {"what": "two", "price": None, "paid": True}],
}


def test_a_start_takes_a_value_of_every_kind_and_reads_back_the_same(program):
    alice = program("alice")
    answer = alice.post("/flows/order/starts/start", {"data": FULL})
    assert answer.status_code == 201, answer.text
    process = answer.json
    assert answer.headers["Location"].endswith(f"/api/v1/processes/{process['id']}")
    data = alice.get(f"/processes/{process['id']}").json["data"]
    scan = data.pop("scan")
    assert (scan["name"], scan["type"], scan["size"]) == ("a.txt", "text/plain", 5)
    assert {name: data[name] for name in READ if name != "scan"} == {
        name: value for name, value in READ.items() if name != "scan"
    }
    assert process["created_by"] == {"username": "alice", "name": "Alice Author"}
    assert process["summary"] == "Order Bees"


def test_the_schema_of_a_start_says_what_its_form_takes(program):
    schema = program("alice").get("/flows/order/starts/start").json["schema"]
    fields = schema["properties"]
    assert schema["required"] == ["title"]
    assert schema["additionalProperties"] is False
    assert fields["title"] == {"type": "string", "title": "Title", "maxLength": 40}
    assert fields["count"] == {"type": ["integer", "null"], "title": "Count", "minimum": 1, "maximum": 99}
    assert fields["size"]["enum"] == ["small", "large", None]
    assert fields["day"]["format"] == "date"
    assert fields["moment"]["format"] == "date-time"
    assert fields["lines"]["items"]["required"] == ["what"]


def test_a_task_is_taken_done_and_its_process_goes_on(program, started, open_task):
    process_id = started()
    task_id = open_task(process_id)
    bob = program("bob")
    listed = bob.get("/tasks?list=queue").json["items"]
    assert [task["id"] for task in listed] == [task_id]
    task = bob.get(f"/tasks/{task_id}").json
    assert task["actions"] == ["assign"]
    assert task["schema"]["required"] == ["approved"]
    assert task["schema"]["allOf"] == [
        {"if": {"properties": {"approved": {"const": False}}}, "then": {"required": ["remark"]}}
    ]
    assert bob.post(f"/tasks/{task_id}/assign").json["owner"]["username"] == "bob"
    refused = bob.post(f"/tasks/{task_id}/execute", {"data": {"approved": False}})
    assert refused.status_code == 422
    assert refused.json["errors"] == {"remark": ["This field is required for “Decline”."]}
    done = bob.post(f"/tasks/{task_id}/execute", {"data": {"approved": True}, "reason": "fine"})
    assert (done.status_code, done.json["status"], done.json["schema"]) == (200, "DONE", None)
    events = bob.get(f"/processes/{process_id}/events").json["items"]
    [executed] = [event for event in events if event["action"] == "execute"]
    assert (executed["user"]["username"], executed["reason"], executed["to_state"]) == ("bob", "fine", "DONE")
    paid = program("carol").post("/flows/order/handles/pay", {"process": process_id, "data": {"paid": 7}})
    assert paid.json["data"]["paid"] == 7
    last = open_task(process_id, "confirm")
    bob.post(f"/tasks/{last}/assign")
    assert bob.post(f"/tasks/{last}/execute").status_code == 200
    assert bob.get(f"/processes/{process_id}").json["status"] == "DONE"


def test_what_is_not_named_stays_as_it_is(program, started, open_task):
    process_id = started(note="mine", urgent=True)
    task_id = open_task(process_id)
    bob = program("bob")
    bob.post(f"/tasks/{task_id}/assign")
    assert bob.post(f"/tasks/{task_id}/execute", {"data": {"approved": True}}).status_code == 200
    data = bob.get(f"/processes/{process_id}").json["data"]
    assert (data["note"], data["urgent"]) == ("mine", True)


def test_faults_are_told_by_field(program):
    data = {"count": "three", "amount": True, "day": "soon", "size": "huge", "lines": [{"price": -1}, {"what": 1}],
            "moment": "2026-12-31T14:30:00", "more": {"a": 1}}  # fmt: skip
    answer = program("alice").post("/flows/order/starts/start", {"data": data})
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"count", "amount", "size", "lines.1.what", "moment"} | {
        "lines.0.price"
    } & set(answer.json["errors"])
    again = program("alice").post(
        "/flows/order/starts/start", {"data": {"day": "soon", "lines": [{"price": "-1"}]}}
    )
    assert set(again.json["errors"]) == {"title", "day", "lines.0.what", "lines.0.price"}
    unknown = program("alice").post("/flows/order/starts/start", {"data": {"tittle": "x"}})
    assert unknown.json["errors"] == {"tittle": ["There is no such field."]}


def test_a_manager_has_every_action(program, started, open_task):
    process_id = started()
    task_id = open_task(process_id)
    carol = program("carol")
    assert carol.post(f"/tasks/{task_id}/assign", {"user": "bob"}).status_code == 200
    assert carol.post(f"/tasks/{task_id}/snooze", {"until": "2099-01-01T00:00:00Z"}).status_code == 200
    assert carol.post(f"/tasks/{task_id}/unassign").json["status"] == "NEW"
    moved = carol.post(f"/tasks/{task_id}/move", {"to": "nowhere"})
    assert (moved.status_code, moved.json["errors"]) == (422, {"to": ["The flow has no such step."]})
    assert carol.post(f"/tasks/{task_id}/cancel", {"reason": "no"}).json["status"] == "CANCELED"
    assert carol.post(f"/tasks/{task_id}/revive").json["status"] == "REVIVED"
    fresh = open_task(process_id)
    assert carol.post(f"/tasks/{fresh}/skip").json["status"] == "DONE"
    assert carol.post(f"/processes/{process_id}/cancel").status_code == 409


def test_processes_are_suspended_resumed_and_withdrawn(program, started):
    process_id = started()
    carol, alice = program("carol"), program("alice")
    assert carol.post(f"/processes/{process_id}/suspend").json["status"] == "SUSPENDED"
    assert carol.post(f"/processes/{process_id}/resume").json["status"] == "NEW"
    assert carol.post(f"/processes/{process_id}/withdraw").status_code == 403
    assert carol.post(f"/processes/{process_id}/retry").status_code == 409
    withdrawn = alice.post(f"/processes/{process_id}/withdraw", {"reason": "changed my mind"})
    assert withdrawn.json["status"] == "CANCELED"
    assert alice.post(f"/processes/{process_id}/cancel").status_code == 409


def test_messages_and_signals_reach_what_waits(program, started):
    first, second = started("one"), started("two")
    carol = program("carol")
    assert carol.post("/flows/order/messages/recall", {"process": first}).json["data"]["note"] == "recalled"
    assert carol.post("/flows/order/messages/recall", {"process": first}).status_code == 409
    assert carol.post("/signals/holidays").status_code == 204
    assert carol.get(f"/processes/{second}").json["data"]["note"] == "recalled"
    assert carol.post("/signals/nothing").status_code == 404


def test_a_start_handle_starts_a_process(program):
    carol = program("carol")
    answer = carol.post("/flows/order/handles/begin", {"data": {"title": "by a program"}})
    assert (answer.status_code, answer.json["data"]["title"]) == (201, "by a program")
    assert answer.headers["Location"] == f"/api/v1/processes/{answer.json['id']}"
    wrong = carol.post("/flows/order/handles/begin", {"data": {"titel": "x"}})
    assert wrong.status_code == 422


class NoteProcess(Process):
    order = jsonstore.IntegerField()
    text = jsonstore.StringField()


class NoteFlow(flow.Flow):
    process_class = NoteProcess

    start = flow.StartHandle(this.take).Next(this.news)
    news = flow.MessageCatch(this.hear).Next(this.wait)
    wait = flow.ManualTask().OnMessage("recall", this.end).Next(this.end)
    end = flow.End()

    def take(self, activation, order):
        activation.process.order = order

    def hear(self, activation, text):
        activation.process.text = text


def test_a_message_finds_its_receiver_by_fields(program, register, people):
    register(NoteFlow)
    people["carol"].permissions.append("note.manage")
    db.session.commit()
    carol = program("carol")
    started = carol.post("/flows/note/handles/start", {"data": {"order": 7}}).json["id"]
    sent = carol.post("/flows/note/messages/news", {"where": {"order": 7}, "data": {"text": "hi"}})
    assert (sent.status_code, sent.json["id"], sent.json["data"]["text"]) == (200, started, "hi")
    kept = carol.post("/flows/note/messages/news", {"where": {"order": 8}, "data": {"text": "early"}})
    assert kept.status_code == 204
    refused = carol.post("/flows/note/messages/recall", {"where": {"order": 7}})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["where"])


def test_a_program_gets_no_cookie(program, order):
    answer = program("alice").post("/flows/order/starts/start", {"data": {"title": "Chair", "count": 1}})
    assert answer.status_code == 201
    assert "Set-Cookie" not in answer.headers


def test_what_is_no_json_or_of_no_schema_is_said_in_our_words(app, program, order, token_of):
    alice = program("alice")
    told = app.test_client().post(
        "/api/v1/flows/order/starts/start",
        data="{",
        content_type="application/json",
        headers={"Authorization": f"Bearer {token_of('alice')}"},
    )
    assert (told.status_code, told.json["detail"]) == (400, "The body is no JSON.")
    told = alice.get("/processes?limit=900")
    assert (told.status_code, told.json["detail"]) == (422, "Something in it is not in order.")
    assert list(told.json["errors"]) == ["limit"]
