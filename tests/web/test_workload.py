"""Workload: people by steps, and one person's work given to others."""

import datetime as dt
import re

import pytest

from portal.models import Task, db


@pytest.fixture
def work(submit, open_task, take, make_user):
    """Bob has three reviews, one of them overdue; frank has one, and one waits."""
    make_user("frank", "paper.can_review", full_name="Frank Free", roles=["reviewers"])
    make_user("gina", "paper.can_review", roles=["reviewers"])
    ids = [take(submit(f"Paper {number}")) for number in range(3)]
    db.session.get_one(Task, ids[0]).due = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    db.session.commit()
    ids.append(open_task(submit("Paper 3")).id)
    return ids


def owners(ids):
    db.session.expire_all()
    return [(task.owner and task.owner.username) for task in (db.session.get_one(Task, each) for each in ids)]


def test_who_has_what(carol, work):
    page = carol.get("/workload").text
    row = re.search(r"<tr>\s*<th scope=\"row\">.*?bob.*?</tr>", page, re.S)[0]
    assert re.search(r'href="/tasks\?person=bob&amp;flow=paper&amp;step=review">3<', row)
    assert re.search(r'step=review&amp;due=late">1 overdue<', row)
    assert "In the queue" in page
    assert "1 in the queue" in page
    assert 'href="/workload"' in carol.get("/inbox").text
    assert "Frank" not in page
    page = carol.get("/workload?role=reviewers").text
    assert "Frank Free" in page
    assert "gina" in page
    assert carol.get("/workload?late=1").text.count("overdue</a>") == 1


def test_numbers_as_a_file(carol, work):
    answer = carol.get("/workload?format=csv")
    assert answer.mimetype == "text/csv"
    assert answer.text.lstrip("\ufeff").splitlines()[:2] == ["Person,Review,Total,Overdue", "bob,3,3,1"]


def test_statements_do_not_grow_with_people_or_steps(carol, client_of, work, submit, take, make_user, count):
    def cost():
        carol.get("/workload")
        with count() as statements:
            assert carol.get("/workload").status_code == 200
        return len(statements)

    before = cost()
    for number in range(12):
        make_user(f"more{number}", "paper.can_review")
    from portal.models import find_user

    for number in range(12):
        task = db.session.get_one(Task, take(submit(f"More {number}")))
        task.owner = find_user(db.session(), f"more{number}")
        db.session.commit()
    assert cost() == before


def test_the_work_of_one_person_is_given_to_others_and_back(carol, work):
    page = carol.get("/workload/redistribute?person=bob").text
    assert "Redistribute 3 tasks of bob" in page
    assert '<option value="frank" selected' in page
    assert 'value="dave"' not in page
    answer = carol.post("/workload/redistribute", data={"person": "bob", "to-paper.review": "gina"})
    assert answer.location == "/workload"
    assert owners(work) == ["gina"] * 3 + [None]
    page = carol.get("/workload").text
    assert "3 tasks of bob given away." in page
    carol.post(re.search(r'action="(/undo/\d+)"', page)[1])
    assert owners(work) == ["bob"] * 3 + [None]


def test_all_goes_back_to_the_queue_and_is_put_back(carol, work):
    carol.post("/workload/redistribute", data={"person": "bob", "_queue": "1"})
    assert owners(work) == [None] * 4
    carol.post(re.search(r'action="(/undo/\d+)"', carol.get("/workload").text)[1])
    assert owners(work) == ["bob"] * 3 + [None]


@pytest.mark.parametrize(
    ("to", "code", "told"),
    [
        ("nobody", 422, "There is no user “nobody”."),
        ("dave", 303, "3 were refused."),
        ("", 303, "Nothing was selected."),
    ],
)
def test_who_is_unfit_is_told(carol, work, to, code, told):
    answer = carol.post("/workload/redistribute", data={"person": "bob", "to-paper.review": to})
    assert answer.status_code == code
    assert told in (answer.text if code == 422 else carol.get("/workload").text)
    assert owners(work) == ["bob"] * 3 + [None]


def test_whose_person_has_left_is_a_notice_with_its_lever(carol, work, people):
    people["bob"].is_active = False
    db.session.commit()
    page = carol.get("/workload").text
    assert "bob is no longer active." in page
    assert "3 tasks are still assigned to this person." in page


def test_capacity_is_shown_and_who_has_room_is_proposed(carol, work, people):
    from portal.models import find_user

    people["bob"].capacity = 2
    find_user(db.session(), "frank").capacity = 1
    db.session.commit()
    page = carol.get("/workload").text
    assert '<span class="late">3 of 2</span>' in page
    page = carol.get("/workload/redistribute?person=bob").text
    assert '<option value="gina" selected' in page  # three are too many for frank
    assert "Frank Free 1" in carol.get("/workload?role=reviewers").text


def test_nobody_has_open_tasks(carol):
    assert "Nobody has open tasks" in carol.get("/workload").text
