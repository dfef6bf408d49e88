"""The script of the hello world flow."""

import logging

import pytest

from flows.hello_world import HelloWorldFlow
from portal.errors import InvalidForm


@pytest.fixture
def run(flow_tester):
    return flow_tester(HelloWorldFlow).start("start", user="alice", text="Hi")


def test_an_approved_message_is_sent(run, caplog):
    run.task("approve").assign("bob").execute(approved=True)
    assert run.process.status == "NEW", "the message is sent by a job, not by bob's request"

    with caplog.at_level(logging.INFO, "flows.hello_world"):
        run.jobs()

    assert run.process.status == "DONE"
    assert run.path == ["start", "approve", "check_approve", "send", "end"]
    assert "Hello, world: Hi" in caplog.text


def test_a_rejected_message_is_not_sent(run):
    run.task("approve").assign("bob").execute(approved=False)

    assert run.process.status == "DONE"
    assert run.path == ["start", "approve", "check_approve", "end"]
    assert run.tasks("send") == []


def test_a_message_that_waits_too_long_is_escalated(run, caplog):
    run.advance(days=2, hours=23)
    assert run.path == ["start"]

    run.advance(hours=1, seconds=1)

    assert run.process.status == "DONE"
    assert run.path == ["start", "approve__timeout", "escalate", "end"]
    assert run.tasks("approve")[0].status == "CANCELED"
    assert "three days" in caplog.text


def test_a_decision_in_time_disarms_the_deadline(run):
    run.task("approve").assign("bob").execute(approved=False)
    run.advance(days=4)
    assert run.path == ["start", "approve", "check_approve", "end"]


@pytest.mark.parametrize("text", [None, "", "x" * 51])
def test_a_message_has_one_to_fifty_characters(flow_tester, text):
    with pytest.raises(InvalidForm):
        flow_tester(HelloWorldFlow).start("start", user="alice", text=text)
