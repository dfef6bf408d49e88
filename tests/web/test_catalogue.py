"""The catalogue of requests: in groups, found by words, with how long each usually takes."""

import datetime as dt

import pytest

from portal import flow, this, views
from portal.engine import drafts
from portal.models import Process, db


class LaptopFlow(flow.Flow):
    """Laptop

    A machine to take along."""

    process_class = Process
    category = "Workplace"
    keywords = ("computer", "NOTEBOOK")
    start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.end)
    end = flow.End()


@pytest.fixture
def laptop(paper, register):
    return register(LaptopFlow)


def started(submit, times, days):
    """Papers that are over, each after so many days."""
    for number in range(times):
        key = submit(f"On bees {number}")
        process = db.session.get_one(Process, key)
        process.status, process.finished = "DONE", process.created + dt.timedelta(days=days)
        db.session.commit()


def test_only_what_one_may_start_is_there(laptop, alice, dave):
    assert "Paper review" in alice.get("/flows").text
    assert "Laptop" in dave.get("/flows").text
    assert "Paper review" not in dave.get("/flows").text


def test_the_groups_are_the_categories_and_what_has_none_comes_last(laptop, alice):
    page = alice.get("/flows").text
    assert page.index("Workplace") < page.index("Laptop") < page.index(">Other<") < page.index("Paper review")


@pytest.mark.parametrize("words", ["laptop", "take MACHINE", "notebook", "workplace"])
def test_titles_descriptions_keywords_and_categories_are_searched(laptop, alice, words):
    page = alice.get("/flows", query_string={"q": words}).text
    assert "Laptop" in page
    assert "Paper review" not in page


def test_every_word_has_to_be_found(laptop, alice):
    page = alice.get("/flows?q=laptop+zebra").text
    assert "No matches" in page
    assert "Show all requests" in page


def test_how_long_it_takes_is_told_from_ten_on(laptop, alice, submit):
    started(submit, 9, 2)
    assert "about 2 days" not in alice.get("/flows").text
    started(submit, 1, 2)
    assert "about 2 days" in alice.get("/flows").text


def test_a_draft_and_what_one_often_uses_are_one_click_away(laptop, alice, submit, people):
    submit()
    submit("On ants")
    drafts.save(db.session(), people["alice"].id, "/flows/paper/start/start", None, [["title", "On wasps"]])
    drafts.save(db.session(), people["alice"].id, "/flows/gone/start/start", None, [["title", "x"]])
    page = alice.get("/flows").text
    assert "You often use" in page
    assert "1 draft: Paper review" in page


def test_nothing_that_one_may_start_says_who_helps(dave):
    assert "Nothing to start" in dave.get("/flows").text


def test_its_statements_do_not_grow_with_the_processes(laptop, alice, submit, count):
    alice.get("/flows")
    with count() as few:
        alice.get("/flows")
    for number in range(5):
        submit(f"On bees {number}")
    with count() as many:
        alice.get("/flows")
    assert len(many) == len(few) == 5, str(many)
