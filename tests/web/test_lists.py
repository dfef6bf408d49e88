"""Inbox, queue and archive, on each database."""

import datetime as dt
import re

import on_each_database
import pytest

from portal import queries
from portal.engine import criteria
from portal.models import Task, db
from portal.queries import Filters, statement_cache
from portal.queries.lists import ARCHIVE_ORDERS, ORDERS

BUDGET = 6


database_url = on_each_database.database_url


def walk(name, user, sort, size):
    """Every page of a list, and the ids on it."""
    after, ids = "", []
    for _ in range(50):
        page = queries.read(db.session(), user, name, Filters(sort=sort, after=after), size)
        ids.append([task.id for task in page])
        after = page.after
        if not after:
            return ids
    raise AssertionError("the pages never end")


@pytest.fixture
def mixed(submit, take, people):
    """Nine tasks of bob's: due dates and priorities that tie, and some that are missing."""
    now = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    ids = []
    for number in range(9):
        task_id = take(submit(f"Paper {number}"))
        task = db.session.get_one(Task, task_id)
        task.due = None if number % 3 == 2 else now + dt.timedelta(days=number % 3)
        task.priority = number % 2
        db.session.commit()
        ids.append(task_id)
    return ids


@pytest.mark.parametrize("sort", ["", *ORDERS])
def test_pages_by_keys_lose_and_repeat_nothing(mixed, people, sort):
    whole = walk("inbox", people["bob"], sort, 50)
    pages = walk("inbox", people["bob"], sort, 2)
    assert len(whole) == 1
    assert [task_id for page in pages for task_id in page] == whole[0]
    assert sorted(whole[0]) == sorted(mixed)


def test_the_soonest_due_comes_first_then_priority_and_what_has_no_date_last(mixed, people):
    tasks = queries.inbox(db.session(), people["bob"]).rows
    keys = [
        (task.due is None, (task.due and task.due.timestamp()) or 0, -task.priority, task.id)
        for task in tasks
    ]
    assert keys == sorted(keys)


@pytest.mark.parametrize("sort", ["", *ARCHIVE_ORDERS])
def test_the_archive_has_what_i_did(bob, mixed, people, sort):
    for task_id in mixed[:3]:
        bob.post(f"/tasks/{task_id}/execute", data={})
    assert sorted(i for page in walk("archive", people["bob"], sort, 2) for i in page) == mixed[:3]
    page = bob.get("/archive").text
    assert "Rejected" in page
    assert "Outcome" in page


@pytest.mark.parametrize(
    "after", ["x", "%00", "W10", "bnVsbA", "W3sidCI6IngifSwwLDFd", "W251bGwsIngiLDFd", "é"]
)
def test_a_place_that_nobody_made_is_the_first_page(bob, mixed, after):
    answer = bob.get(f"/inbox?after={after}")
    assert answer.status_code == 200
    assert "Paper 0" in answer.text


def test_the_queue_has_what_i_may_take(bob, alice, dave, submit):
    submit("On bees")
    assert "On bees" in bob.get("/queue").text or "Paper On bees" in bob.get("/queue").text
    for other in (alice, dave):
        page = other.get("/queue").text
        assert "On bees" not in page
        assert "The queue is empty" in page


def test_separation_of_duties_holds_in_the_queue(client_of, people, submit, take):
    people["alice"].permissions.extend(["paper.can_sign"])
    db.session.commit()
    process_id = submit()
    client_of("bob").post(f"/tasks/{take(process_id)}/execute", data={"accepted": "y"})
    assert "The queue is empty" in client_of("alice").get("/queue").text
    assert "Sign" in client_of("bob").get("/queue").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=bees", {"On bees"}),
        ("q=BEES", {"On bees"}),
        ("q=Äpfel", {"Äpfel & Birnen"}),
        ("q=100%25", {"100% wool"}),
        ("q=_", set()),
        ("q=review", {"On bees", "Äpfel & Birnen", "100% wool"}),
        ("q=nothing", set()),
        ("q=%00bees", {"On bees"}),
        ("flow=paper", {"On bees", "Äpfel & Birnen", "100% wool"}),
        ("flow=other", set()),
        ("late=1", set()),
        ("sort=nonsense&q=bees", {"On bees"}),
        ("q=" + "x" * 5000, set()),
    ],
)
def test_filters_in_the_address(bob, submit, query, found):
    titles = ["On bees", "Äpfel & Birnen", "100% wool"]
    for title in titles:
        submit(title)
    page = bob.get(f"/queue?{query}")
    assert page.status_code == 200
    text = page.text.replace("&amp;", "&")
    assert {title for title in titles if f"Paper {title}" in text} == found
    if not found:
        assert "No matches" in text


def test_a_number_finds_its_process(bob, submit):
    first, second = submit("On bees"), submit("On ants")
    page = bob.get(f"/queue?q=%23{second}").text
    assert "On ants" in page
    assert f"/processes/{second}" in page
    assert first != second


def test_late_ones_are_marked_with_a_word(bob, submit, take):
    task = db.session.get_one(Task, take(submit()))
    task.due = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    db.session.commit()
    assert "Overdue" in bob.get("/inbox?late=1").text
    assert 'class="is-late"' in bob.get("/inbox").text


def test_badges_stop_counting(app, people, submit, bob):
    process_id = submit()
    task = db.session.scalars(db.select(Task).where(Task.flow_task == "review")).unique().one()
    for number in range(120):
        db.session.add(
            Task(
                number=100 + number, process_id=process_id, flow_task="review", flow_task_type="View",
                status="NEW", token="start", owner_permission=task.owner_permission,
            )
        )  # fmt: skip
    db.session.commit()
    assert queries.badges(db.session(), people["bob"]) == {"inbox": 0, "queue": 100, "incidents": 0}
    assert re.search(r'data-badge="queue">99\+<', bob.get("/inbox").text)
    page = bob.get("/queue").text
    assert "Next page" in page
    assert len(re.findall(r'name="task" value="\d+" form="bulk"', page)) == 50


@pytest.mark.parametrize("rows", [1, 12])
@pytest.mark.parametrize("address", ["/inbox", "/queue", "/archive", "/processes"])
def test_the_number_of_statements_does_not_grow(bob, submit, take, count, address, rows):
    for number in range(rows):
        task_id = take(submit(f"Mine {number}"))
        submit(f"Free {number}")
        if number % 2:
            bob.post(f"/tasks/{task_id}/execute", data={})
    with count() as statements:
        assert bob.get(address).status_code == 200
    assert len(statements) <= BUDGET, str(statements)


def test_empty_lists_say_what_to_do(dave):
    assert "Nothing to do" in dave.get("/inbox").text
    assert "The queue is empty" in dave.get("/queue").text
    assert "Nothing finished yet" in dave.get("/archive").text
    assert "No processes yet" in dave.get("/processes").text


def test_summaries_are_text(bob, submit, take):
    take(submit("<script>alert(1)</script>"))
    page = bob.get("/inbox").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_list_shows_what_is_not_flushed_yet(submit, take, people):
    task, bob = db.session.get_one(Task, take(submit("Paper"))), people["bob"]
    assert [each.priority for each in queries.inbox(db.session(), bob)] == [0]
    task.priority = 7
    found = queries.inbox(db.session(), bob).rows
    assert [(each.id, each.priority) for each in found] == [(task.id, 7)]


def test_criteria_are_kept_once_for_people_of_all_permissions(submit, make_user, monkeypatch):
    """Each would take memory of its own; they read who asks from a value of the statement."""
    submit("Paper")
    made = []
    monkeypatch.setattr(statement_cache, "_statements", {})
    for number in range(3):
        user = make_user(f"reviewer{number}", "paper.can_review", f"paper.can_review:{number}")
        assert len(queries.queue(db.session(), user)) == 1
        made.append((len(statement_cache._statements), criteria._not_done_by.cache_info().misses))
    assert [statements for statements, _ in made] == [1, 2, 3]
    assert made[2][1] == made[0][1]
