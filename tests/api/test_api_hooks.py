"""Incoming calls that are signed as Standard Webhooks has it; its own library is the sender here."""

import datetime as dt
import json

import pytest
from standardwebhooks import Webhook

from portal.models import Process, db, utcnow

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def send(app, order):
    def call(body, node="begin", secret=SECRET, key="msg_1", late=dt.timedelta(), text=None, **headers):
        content = json.dumps(body) if text is None else text
        moment = utcnow() - late
        signed = {
            "Webhook-Id": key,
            "Webhook-Timestamp": str(int(moment.timestamp())),
            "Webhook-Signature": Webhook(secret).sign(key, moment, content),
        }
        signed |= {name.replace("_", "-"): value for name, value in headers.items()}
        return app.test_client().post(
            f"/api/v1/hooks/order/{node}", data=content, content_type="application/json", headers=signed
        )

    return call


def how_many():
    db.session.rollback()
    return db.session.scalar(db.select(db.func.count(Process.id)))


def test_a_signed_call_starts_a_process_once(send):
    body = {"data": {"title": "from outside"}}
    assert send(body).status_code == 200
    assert send(body).status_code == 200
    assert how_many() == 1
    assert send(body, key="msg_2").status_code == 200
    assert how_many() == 2


def test_a_signed_call_completes_a_handle(send, program, started, open_task):
    process_id = started()
    task_id = open_task(process_id)
    bob = program("bob")
    bob.post(f"/tasks/{task_id}/assign")
    bob.post(f"/tasks/{task_id}/execute", {"data": {"approved": True}})
    body = {"process": process_id, "data": {"paid": 3}}
    assert send({"process": process_id, "data": {"paid": -1}}, "pay").status_code == 422
    assert send(body, "pay").json == {"process": process_id}
    assert send(body, "pay").json == {"process": process_id}
    assert send(body, "pay", key="msg_2").status_code == 409
    assert bob.get(f"/processes/{process_id}").json["data"]["paid"] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"late": dt.timedelta(minutes=6)},
        {"late": dt.timedelta(minutes=-6)},
        {"Webhook_Signature": "v1,"},
        {"Webhook_Signature": ""},
        {"Webhook_Timestamp": "soon"},
        {"Webhook_Timestamp": "9" * 40},
        {"Webhook_Id": ""},
        {"Webhook_Id": "x" * 300},
    ],
)
def test_a_call_that_is_not_signed_now_is_refused(send, wrong):
    answer = send({"data": {"title": "x"}}, **wrong)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert how_many() == 0


def test_while_a_secret_is_replaced_both_are_good(send):
    older = "whsec_" + __import__("base64").b64encode(b"an older one").decode()
    assert send({"data": {"title": "x"}}, secret=older).status_code == 200


def test_a_flow_without_a_secret_takes_no_calls(send, order, monkeypatch):
    monkeypatch.setattr(order, "webhook_secret", None)
    assert send({"data": {"title": "x"}}).status_code == 401


@pytest.mark.parametrize("node", ["approve", "nothing", "check", "approve__message"])
def test_only_handles_are_called(send, node):
    assert send({"data": {}}, node).status_code == 404
