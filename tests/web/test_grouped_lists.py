"""The rows of the lists of tasks under heads, and with columns of one's choice."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import select

from portal.models import SavedView, Task, db, utcnow

HEAD = re.compile(
    r'scope="rowgroup" colspan="(\d+)">(?:<a href="([^"]*)">)?([^<]*)(?:</a>)? <span[^>]*>([^<]*)<'
)


def heads(page):
    """Each head: its words, what it says beside them, and how many rows stand under it."""
    parts = page.split('class="row-group"')[1:]
    found = [HEAD.search(part) for part in parts]
    return [
        (each[3], each[4].strip(), part.count('class="col-task"'))
        for each, part in zip(found, parts, strict=True)
    ]


def columns(page):
    return re.findall(r'<th scope="col" class="(?:col-|extra)[^>]*>(?:<a[^>]*>)?([^<]*?) *<', page)


@pytest.fixture
def two_steps(bob, submit, take):
    """Two papers that bob reviews, and between them one that he signs."""
    first, signed, last = submit("On bees"), submit("On ants"), submit("On wasps")
    bob.post(f"/tasks/{take(signed)}/execute", data={"accepted": "y"})
    for process_id, node in ((first, "review"), (signed, "sign"), (last, "review")):
        take(process_id, node=node)


def test_rows_stand_together_by_step(bob, two_steps):
    assert heads(bob.get("/inbox").text) == []
    page = bob.get("/inbox?group=step").text
    assert heads(page) == [("Review", "Paper review · 2", 2), ("Sign", "Paper review · 1", 1)]
    assert page.index("On bees") < page.index("On wasps") < page.index("On ants")
    assert "what is on this page" not in page, "it has all of them"


def test_a_head_leads_to_all_of_its_kind(bob, two_steps):
    page = bob.get("/inbox?group=step&q=on&sort=waiting").text
    width, address, *_ = HEAD.search(page).groups()
    assert address == "/inbox?q=on&amp;sort=waiting&amp;flow=paper&amp;step=review"
    assert int(width) == page.count('scope="col"')
    narrowed = bob.get(address.replace("&amp;", "&")).text
    assert ("On bees" in narrowed, "On ants" in narrowed) == (True, False)


def test_rows_stand_together_by_flow_and_in_each_list(bob, erin, submit, two_steps):
    submit("On moths")
    assert heads(bob.get("/queue?group=flow").text) == [("Paper review", "1", 1)]
    assert heads(bob.get("/archive?group=step").text) == [("Review", "Paper review · 1", 1)]
    assert heads(erin.get("/tasks?group=step").text) == [
        ("Review", "Paper review · 3", 3),
        ("Sign", "Paper review · 1", 1),
    ]


@pytest.fixture
def erin(client_of):
    return client_of("erin")


@pytest.mark.usefixtures("noon")
def test_days_are_the_readers_and_stand_in_their_order(bob, people, submit, take):
    people["bob"].preferences = {"timezone": "Pacific/Auckland"}
    db.session.commit()
    now = utcnow()
    for title, due in {
        "None": None,
        "Far": now + dt.timedelta(days=400),
        "Morrow": now + dt.timedelta(days=1),
        "Late": now - dt.timedelta(minutes=1),
        "End": dt.datetime(9999, 12, 31, 23, tzinfo=dt.UTC),
    }.items():
        db.session.get_one(Task, take(submit(title))).due = due
        db.session.commit()
    for order in ("due", "-due", "priority", "waiting"):
        found = heads(bob.get(f"/inbox?group=due&sort={order}").text)
        assert [words for words, *_ in found][:2] == ["Overdue", "Tomorrow"]
        assert re.fullmatch(r"\w{3} \d+ \w{3} \d{4}", found[2][0]), found[2]
        assert [words for words, *_ in found][-1] == "No due date"
        assert len(found) == 5


def test_rows_of_a_step_or_a_flow_that_is_gone_stand_together_too(bob, submit, take):
    task = db.session.get_one(Task, take(submit("On bees")))
    task.flow_task = "old_step"
    db.session.commit()
    assert heads(bob.get("/inbox?group=step").text) == [("Old step", "Paper review · 1", 1)]
    task.process.flow_label = "gone"
    db.session.commit()
    assert heads(bob.get("/inbox?group=step").text) == [("Old step", "gone · 1", 1)]
    assert heads(bob.get("/inbox?group=flow").text) == [("gone", "1", 1)]


@pytest.mark.parametrize(
    ("address", "wrong"), [("/inbox", "zebra"), ("/archive", "due"), ("/processes", "step")]
)
def test_what_a_list_cannot_be_grouped_by_is_told(bob, two_steps, address, wrong):
    page = bob.get(address, query_string={"group": wrong}).text
    assert f"This list cannot be grouped by “{wrong}”." in page
    assert heads(page) == []
    assert "Paper On" in page


def test_heads_and_columns_cost_no_statement(bob, two_steps, count):
    sent = {}
    for query in ("flow=paper", "flow=paper&group=step&columns=flow,due,data.title,data.pages"):
        bob.get(f"/inbox?{query}")
        db.session.remove()
        with count() as statements:
            bob.get(f"/inbox?{query}")
        sent[query] = len(statements)
    assert len(set(sent.values())) == 1, sent


def test_columns_are_chosen_and_told_on_a_phone(bob, two_steps):
    assert columns(bob.get("/inbox").text) == ["Task", "Requested by", "Due", "Age"]
    page = bob.get(
        "/inbox?flow=paper&columns=task&columns=age&columns=data.title&columns=data.pages&columns=flow"
    ).text
    assert columns(page) == ["Task", "Title", "Pages", "Age", "Flow"]
    assert '<td class="extra" data-of="Title">On bees</td>' in page
    assert '<td class="extra number" data-of="Pages">1</td>' in page
    assert '<td class="col-flow" data-of="Flow">Paper review</td>' in page
    assert columns(bob.get("/inbox?columns=task").text) == ["Task"], "all others were taken away"
    assert (
        '<input class="form-check-input" type="checkbox" name="columns" value="data.pages" checked>' in page
    )
    assert 'name="columns" value="data.secret">' in page


@pytest.mark.parametrize(
    "columns", ["data.zebra", "data.__class__", "data.", "x" * 3000, ",,,", "task,task", "\0"]
)
def test_columns_that_are_none(bob, two_steps, columns):
    answer = bob.get("/inbox", query_string={"flow": "paper", "columns": columns})
    assert answer.status_code == 200
    assert "Paper On bees" in answer.text
    assert ("no field" in answer.text) == columns.startswith("data.")


def test_heads_and_columns_are_kept_with_a_view_and_by_clear(bob, two_steps):
    answer = bob.post(
        "/views",
        data={"page": "inbox", "name": "Piles", "query": "flow=paper&columns=data.pages,due&group=step"},
    )
    page = bob.get(answer.location).text
    assert columns(page) == ["Task", "Pages", "Due"]
    assert len(heads(page)) == 2
    assert "Save this view" not in page
    assert db.session.scalars(select(SavedView.query)).one().endswith("group=step")
    assert '<a class="clear" href="/inbox?columns=due&amp;group=step">' in page
    assert "Save this view" in bob.get("/inbox?group=step").text


def test_what_all_that_match_are_does_not_hang_on_the_heads(bob, two_steps, people):
    page = bob.get("/inbox?group=step&columns=due&q=bees").text
    assert 'action="/tasks/unassign?q=bees"' in page
    bob.post("/tasks/unassign?q=bees&group=zebra", data={"all": "1", "list": "inbox"})
    assert len(heads(bob.get("/inbox?group=step").text)) == 2
    assert "On bees" in bob.get("/queue").text


def test_the_groups_of_one_page_of_several_say_so(bob, submit, people, open_task):
    for number in range(51):
        open_task(submit(f"Paper {number}")).owner_id = None
    page = bob.get("/queue?group=step").text
    assert heads(page) == [("Review", "Paper review · 50", 50)]
    assert "Groups count what is on this page." in page
    assert re.search(r'href="/queue\?group=step&amp;after=[^"]+" rel="next"', page)
