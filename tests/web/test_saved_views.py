"""Saved views: a list's filters under a name, for oneself or for a role; and one that one begins with."""

from __future__ import annotations

import re

import pytest

from portal.models import Role, SavedView, db


@pytest.fixture
def clerks(people):
    role = Role(name="clerks", permissions=["paper.can_review"])
    people["bob"].roles.append(role)
    people["dave"].roles.append(role)
    db.session.commit()
    return role


def save(client, **values):
    return client.post(
        "/views", data={"page": "queue", "name": "Bees", "query": "q=bees&sort=-due", **values}
    )


def test_a_view_stands_for_its_filters(bob, submit):
    submit("On bees")
    submit("On ants")
    answer = save(bob)
    view = db.session.scalars(db.select(SavedView)).one()
    assert (answer.status_code, answer.location) == (303, f"/queue?view={view.id}")
    page = bob.get(answer.location).text
    assert "Paper On bees" in page
    assert "Paper On ants" not in page
    assert re.search(rf'href="/queue\?view={view.id}" aria-current="page">Bees', page)
    assert "Save this view" not in page
    assert "Save this view" in bob.get(f"/queue?q=ants&view={view.id}").text
    assert "Save this view" not in bob.get("/queue").text


def test_a_view_is_ones_own_unless_it_is_shared_with_a_role(bob, dave, alice, clerks, submit):
    submit("On bees")
    save(bob, name="Mine")
    save(bob, name="Ours", role="clerks")
    mine, ours = db.session.scalars(db.select(SavedView).order_by(SavedView.id)).all()
    page = dave.get(f"/queue?view={ours.id}").text
    assert re.search(r">Ours\s.*shared", page)
    assert "Mine" not in page
    assert "Ours" not in alice.get("/queue").text
    assert "Remove view" not in page
    assert dave.post(f"/views/{ours.id}/remove").status_code == 403
    assert dave.post(f"/views/{mine.id}/remove").status_code == 404
    assert (
        alice.post(
            "/views", data={"page": "queue", "name": "X", "query": "q=a", "role": "clerks"}
        ).status_code
        == 403
    )
    assert bob.post(f"/views/{ours.id}/remove").status_code == 303
    assert db.session.scalars(db.select(SavedView.name)).all() == ["Mine"]


def heads(page):
    return re.findall(r'<th scope="col" class="(?:col-|extra)[^>]*>(?:<a[^>]*>)?([^<]*?) *<', page)


def test_columns_of_ones_choice_are_kept_with_the_view(carol, submit):
    process_id = submit("On bees", pages=12)
    assert heads(carol.get("/processes").text) == ["Process", "State", "Open now", "Requested by", "Started"]
    query = "flow=paper&columns=finished&columns=data.pages&columns=state&columns=none"
    page = carol.get(f"/processes?{query}").text
    assert heads(page) == ["Process", "Pages", "Finished", "State"]
    assert '<td class="extra number">12</td>' in page
    answer = save(carol, page="processes", query="flow=paper&columns=data.pages,state")
    assert heads(carol.get(answer.location).text) == ["Process", "Pages", "State"]
    assert "no field" in carol.get("/processes?flow=paper&columns=data.none").text
    assert "Choose a flow" in carol.get("/processes?columns=data.pages").text
    lines = carol.get(f"{answer.location}&format=csv").text.splitlines()
    assert lines[0].endswith(",Pages")
    assert lines[1].startswith(f"{process_id},")
    assert lines[1].endswith(",12")


def test_what_is_said_beside_a_view_counts_too(bob, submit, open_task):
    ants, bees, more_bees = submit("On ants"), submit("On bees"), submit("More on bees")
    save(bob)
    view = db.session.scalars(db.select(SavedView)).one()
    page = bob.get(f"/queue?view={view.id}&sort=waiting").text
    assert "On ants" not in page
    assert page.index("Paper On bees") < page.index("Paper More on bees")
    assert "Paper On bees" not in bob.get(f"/queue?view={view.id}&q=more").text
    assert "Paper On bees" not in bob.get(f"/queue?view={view.id}&data.title=More on bees&flow=paper").text
    bob.post("/tasks/assign?view=999", data={"all": "1", "list": "queue"})
    page = bob.get("/queue").text
    assert "There is no such view" in page
    assert "On ants" in page, "nothing is done with all that a lost view is taken for"
    bob.post(f"/tasks/assign?view={view.id}&sort=waiting", data={"all": "1", "list": "queue"})
    assert [open_task(each).owner is None for each in (ants, bees, more_bees)] == [True, False, False]


def test_one_begins_with_a_view(bob, submit):
    assert bob.get("/").location == "/inbox"
    save(bob, start="1")
    view = db.session.scalars(db.select(SavedView)).one()
    assert bob.get("/").location == f"/queue?view={view.id}"
    bob.post(f"/views/{view.id}/start")
    assert bob.get("/").location == "/inbox"
    bob.post(f"/views/{view.id}/start")
    bob.post(f"/views/{view.id}/remove")
    assert bob.get("/").location == "/inbox", "what is gone is no front page"


@pytest.mark.parametrize(
    "values", [{"name": ""}, {"name": "x" * 81}, {"query": ""}, {"query": "after=x&nonsense=1"}]
)
def test_what_is_no_view_is_refused_in_words(bob, submit, values):
    submit()
    save(bob, **values)
    assert db.session.scalars(db.select(SavedView)).all() == []
    assert "message-warning" in bob.get("/queue").text


def test_there_is_no_list_of_that_name(bob):
    assert save(bob, page="nothing").status_code == 404
