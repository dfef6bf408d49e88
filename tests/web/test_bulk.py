"""One action on many tasks."""

import json

import pytest

from portal.models import Task, db


def owners(ids):
    db.session.expire_all()
    return [
        (task.owner.username if task.owner else None) for task in (db.session.get(Task, each) for each in ids)
    ]


@pytest.fixture
def papers(submit, open_task):
    return [open_task(submit(f"Paper {number}")).id for number in range(3)]


def test_taking_several(bob, papers):
    answer = bob.post("/tasks/assign", data={"task": papers, "next": "/queue?q=paper"})
    assert (answer.status_code, answer.location) == (303, "/queue?q=paper")
    assert owners(papers) == ["bob"] * 3
    assert "3 tasks taken." in bob.get("/queue").text


def test_giving_several_back(bob, papers):
    bob.post("/tasks/assign", data={"task": papers})
    assert bob.post("/tasks/unassign", data={"task": papers}).location == "/inbox"
    assert owners(papers) == [None] * 3


def test_what_may_be_done_is_done_and_the_rest_is_said(bob, client_of, papers):
    client_of("erin").post(f"/tasks/{papers[1]}/assign")
    bob.post("/tasks/assign", data={"task": [*papers, "999", "x", "9" * 40, "-1"]})
    assert owners(papers) == ["bob", "erin", "bob"]
    page = bob.get("/queue").text
    assert "2 tasks taken." in page
    assert page.count("Refused:") == 5


def test_who_may_not_see_a_task_does_not_learn_of_it(dave, papers):
    dave.post("/tasks/assign", data={"task": papers})
    page = dave.get("/queue").text
    assert "Review" not in page
    assert "there is no such task" in page
    assert owners(papers) == [None] * 3


def test_handing_several_over(bob, make_user, papers):
    make_user("frank", "paper.can_review")
    bob.post("/tasks/assign", data={"task": papers})
    assert bob.post("/tasks/reassign", data={"task": papers, "user": "frank"}).status_code == 303
    assert owners(papers) == ["frank"] * 3


def test_the_question_tells_of_one_or_of_several(bob, papers):
    bob.post("/tasks/assign", data={"task": papers})
    assert "They move to the inbox" in bob.post("/tasks/reassign", data={"task": papers}).text
    assert "It moves to the inbox" in bob.post("/tasks/reassign", data={"task": papers[:1]}).text


@pytest.mark.parametrize("name", ["", "nobody"])
def test_an_unknown_user_is_422_with_the_choice_kept(bob, papers, name):
    bob.post("/tasks/assign", data={"task": papers})
    answer = bob.post("/tasks/reassign", data={"task": papers, "user": name})
    assert answer.status_code == 422
    assert answer.text.count('name="task"') == 3
    assert owners(papers) == ["bob"] * 3


def test_someone_unfit_is_a_line_each(bob, papers):
    bob.post("/tasks/assign", data={"task": papers})
    assert bob.post("/tasks/reassign", data={"task": papers, "user": "alice"}).status_code == 303
    page = bob.get("/inbox").text
    assert page.count("does not hold the permission") == 3
    assert owners(papers) == ["bob"] * 3


def test_nothing_selected_is_said(bob):
    assert bob.post("/tasks/assign").status_code == 303
    assert "Nothing was selected." in bob.get("/queue").text


def test_an_action_that_is_no_bulk_action(bob):
    assert bob.post("/tasks/move").status_code in (404, 405)
    assert bob.get("/tasks/assign").status_code == 405


def test_messages_that_nobody_reads_do_not_fill_the_cookie(bob, submit, open_task):
    from portal.web.messages import MOST

    task_id = open_task(submit()).id
    for number in range(MOST + 5):
        action = "unassign" if number % 2 else "assign"
        assert bob.post(f"/tasks/{task_id}/{action}").status_code == 303
    with bob.session_transaction() as session:
        assert len(json.loads(session["_portal_messages"])) == MOST


def test_a_name_may_be_typed_in_any_case(carol, people, submit, take, open_task):
    process = submit()
    task_id = take(process)
    people["dave"].permissions = ["paper.can_review"]
    db.session.commit()
    carol.post("/tasks/reassign", data={"task": task_id, "user": " DAVE"})
    assert open_task(process).owner.username == "dave"
    assert carol.post(f"/tasks/{task_id}/reassign", data={"user": "Bob"}).status_code == 303
    assert open_task(process).owner.username == "bob"
