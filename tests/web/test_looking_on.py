"""Who gave work away, or had it taken from them, may still see where it is; and who could take it is told."""

from __future__ import annotations

import on_each_database
import pytest

from portal import flow, this
from portal.models import db


class RelayFlow(flow.Flow):
    """Relay"""

    start = flow.StartHandle().Next(this.run)
    run = flow.ManualTask().Assign(username="bob").Next(this.end)
    end = flow.End()


database_url = on_each_database.database_url


@pytest.fixture
def relay(register, people):
    register(RelayFlow)
    process = RelayFlow.start.run()
    return process.id, next(task.id for task in process.tasks if task.flow_task == "run")


def test_who_gives_back_lands_on_a_page_that_says_so(bob, relay):
    process_id, task_id = relay
    answer = bob.post(f"/tasks/{task_id}/unassign", follow_redirects=True)
    assert answer.status_code == 200
    assert "You gave back" in answer.text
    assert bob.get(f"/processes/{process_id}").status_code == 200
    assert f'href="/processes/{process_id}"' in bob.get("/processes").text


def test_a_task_for_whoever_sees_it_is_offered_again(bob, relay):
    _, task_id = relay
    bob.post(f"/tasks/{task_id}/unassign")
    assert f'form="one" name="task" value="{task_id}"' in bob.get("/queue").text
    assert "Can be taken by bob" in bob.get(f"/tasks/{task_id}").text
    assert bob.post(f"/tasks/{task_id}/assign").status_code == 303


def test_who_hands_over_may_still_look_and_sees_who_has_it(bob, relay, client_of):
    _, task_id = relay
    bob.post(f"/tasks/{task_id}/unassign")
    erin = client_of("erin")
    erin.post(f"/tasks/{task_id}/assign")
    answer = erin.post(f"/tasks/{task_id}/reassign", data={"user": "bob"}, follow_redirects=True)
    assert answer.status_code == 200
    assert "to bob." in answer.text


def test_whose_task_was_taken_over_is_told_who_has_it(bob, dave, client_of, relay, people):
    _, task_id = relay
    erin = client_of("erin")
    assert erin.post(f"/tasks/{task_id}/reassign", data={"user": "erin"}).status_code == 303
    answer = bob.post(f"/tasks/{task_id}/execute")
    assert answer.status_code == 403
    assert "erin has this one" in answer.text
    assert "<strong>erin</strong> took it over" in answer.text
    assert bob.get(f"/tasks/{task_id}").status_code == 200
    assert dave.get(f"/tasks/{task_id}").status_code == 403


def test_a_longer_name_of_a_permission_is_another_one(carol, submit, open_task, make_user, people):
    task_id = open_task(submit()).id
    for number in range(60):
        user = make_user(f"aa{number:02}")
        user.permissions = ["paper.can_review_more"]
    user.permissions = ["paper.can_review:7"]
    db.session.commit()
    assert "Can be taken by bob" in carol.get(f"/tasks/{task_id}").text


def test_those_who_are_not_named_are_counted(carol, submit, open_task, make_user):
    task_id = open_task(submit()).id
    for number in range(30):
        make_user(f"aa{number:02}", "paper.can_review")
    assert "aa09 and 21 more." in carol.get(f"/tasks/{task_id}").text


def test_who_did_the_step_that_is_to_be_checked_is_not_named(
    carol, people, submit, take, open_task, make_user
):
    people["alice"].permissions = ["paper.can_start", "paper.can_sign"]
    db.session.commit()
    process_id = submit()
    task = open_task(process_id)
    task.flow_task, task.flow_task_type, task.owner_permission = "sign", "ManualTask", "paper.can_sign"
    db.session.commit()
    text = carol.get(f"/tasks/{task.id}").text
    assert "Can be taken by bob" in text
    assert "Alice Author, bob" not in text


@pytest.mark.parametrize("name", ["paper.bpmn", "заявка.bpmn", "grüße “x”.bpmn", 'a";b.bpmn'])
def test_the_name_of_a_file_is_a_header_of_plain_letters(name):
    from werkzeug.http import parse_options_header

    from portal.web.flows import attachment

    header = attachment(name)
    header.encode("ascii")
    assert parse_options_header(header)[1]["filename"] == name
