"""The owner of a task asks somebody to help: who may, what a helper sees and does, and what the history says."""

import pytest

from portal.engine import actions, permissions
from portal.errors import PermissionDenied, TransitionNotAllowed
from portal.models import Event, Notice, Task, db


@pytest.fixture
def task_id(submit, take):
    return take(submit())


def ask(client, task_id, **data):
    return client.post(f"/tasks/{task_id}/help", data=data)


def helps(task_id):
    return (
        db.session.scalars(
            db.select(Event).where(Event.task_id == task_id, Event.action == "help").order_by(Event.id)
        )
        .unique()
        .all()
    )


def test_a_helper_is_told_sees_the_task_and_may_go(bob, dave, people, task_id):
    assert dave.get(f"/tasks/{task_id}").status_code == 403
    assert "Ask for help…" in bob.get(f"/tasks/{task_id}/execute").text
    assert ask(bob, task_id, user="dave", reason="He knows bees.").status_code == 303
    assert [(event.user.username, event.detail) for event in helps(task_id)] == [
        ("bob", {"to": "dave", "reason": "He knows bees."})
    ]
    assert db.session.scalars(db.select(Notice.payload)).one()["reason"] == "help"
    inbox = dave.get("/inbox").text
    assert ("You help with" in inbox, "Nothing to do" in inbox) == (True, True)
    assert "bob asks you to help" in dave.get("/notices").text
    page = dave.get(f"/tasks/{task_id}").text
    assert ("Helpers" in page, "Ask for help" in page, "Remove" in page) == (True, False, True)
    assert dave.post(f"/tasks/{task_id}/comments", data={"text": "Yes."}).status_code == 303
    assert dave.get(f"/tasks/{task_id}/execute").status_code == 403  # the owner finishes it
    assert ask(dave, task_id, user="carol").status_code == 403
    assert ask(dave, task_id, end="dave").status_code == 303
    assert helps(task_id)[-1].detail == {"from": "dave"}
    assert "You help with" not in dave.get("/inbox").text
    assert permissions.may_see_process(
        db.session(), people["dave"], db.session.get_one(Task, task_id).process
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Choose a person"),
        ("nobody", "There is no user"),
        ("bob", "It is the task of bob"),
        ("erin", "helps with it already"),
    ],
)
def test_who_cannot_help_is_said(bob, task_id, name, words):
    ask(bob, task_id, user="erin")
    answer = ask(bob, task_id, user=name)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert len(helps(task_id)) == 1


def test_only_its_owner_or_a_manager_asks_and_only_while_it_is_somebodys(
    carol, people, submit, open_task, task_id
):
    assert ask(carol, task_id, user="dave").status_code == 303
    free = open_task(submit("Another")).id
    assert ask(carol, free, user="dave").status_code == 409
    people["erin"].is_active = False
    db.session.commit()
    assert ask(carol, task_id, user="erin").status_code == 403
    with actions.activation(db.session(), task_id, people["bob"]) as activation:
        activation.process.accepted = True
        activation.execute()
    with (
        pytest.raises(TransitionNotAllowed),
        actions.activation(db.session(), task_id, people["dave"]) as activation,
    ):
        activation.end_help(people["dave"])
    with (
        pytest.raises(PermissionDenied),
        actions.activation(db.session(), free, people["dave"]) as activation,
    ):
        activation.end_help(people["bob"])
