"""A list keeps its filters and its order, whatever is done in it, and is found with a slash too many."""

from __future__ import annotations

import html
import re

import pytest

from portal.queries.lists import ARCHIVE_ORDERS, ORDERS

NARROWED = "/inbox?flow=paper&sort=-due"


def next_of(page, action):
    """Where the form that posts to this address leads afterwards."""
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', page, re.DOTALL)
    assert form, f"no form for {action}"
    return html.unescape(re.search(r'name="next" value="([^"]*)"', form[0])[1])


def link_to(page, address):
    """The address of a link to this page, with what it carries along."""
    found = re.search(rf'href="({address}(?:\?[^"]*)?)"', page)
    assert found, f"no link to {address}"
    return html.unescape(found[1])


@pytest.mark.parametrize(
    "address", ["/inbox", "/queue", "/archive", "/processes", "/flows", "/login", "/profile", "/flows/paper"]
)
def test_a_slash_at_the_end_leads_to_the_page(client_of, address):
    erin = client_of("erin")
    answer = erin.get(f"{address}/?q=%C3%BC&x=1")
    assert (answer.status_code, answer.location) == (308, f"{address}?q=%C3%BC&x=1")
    assert erin.get(f"{address}//").status_code in (308, 404)


@pytest.mark.parametrize(
    "address", ["/nowhere/", "//example.com/", "/tasks/1/nothing/", "/%5cexample.com/", "/"]
)
def test_no_slash_leads_to_a_page_that_is_not_there(bob, address):
    answer = bob.get(address)
    assert answer.status_code in (302, 404, 308)
    assert (
        "example.com" not in (answer.location or "").replace("/example.com", "", 1)
        or answer.status_code != 308
    )


@pytest.mark.parametrize("word", ["give back", "hand over", "finish", "cancel"])
def test_what_is_done_with_a_task_leads_back_to_the_list(client_of, people, submit, take, word):
    task_id = take(submit(), "erin")
    erin = client_of("erin")
    came_from = {"Referer": f"http://localhost{NARROWED}"}
    page = erin.get(NARROWED).text
    form_page = erin.get(link_to(page, f"/tasks/{task_id}/execute"), headers=came_from).text
    details = erin.get(f"/tasks/{task_id}", headers=came_from).text
    if word == "give back":
        assert next_of(form_page, f"/tasks/{task_id}/unassign") == NARROWED
        return
    if word == "finish":
        action = html.unescape(re.search(r'action="([^"]*)" novalidate', form_page)[1])
        answer = erin.post(action, data={"accepted": "y"})
    else:
        action = {"hand over": "reassign", "cancel": "cancel"}[word]
        asked = erin.get(link_to(details, f"/tasks/{task_id}/{action}")).text
        back = next_of(asked, f"/tasks/{task_id}/{action}")
        answer = erin.post(f"/tasks/{task_id}/{action}", data={"next": back, "user": "bob"})
    assert (answer.status_code, answer.location) == (303, NARROWED)


def test_what_is_done_with_many_leads_back_too(bob, submit, take):
    task_id = take(submit())
    page = bob.get(NARROWED).text
    assert next_of(page, r"/tasks/execute\?[^\"]*") == NARROWED
    asked = bob.post("/tasks/reassign", data={"task": task_id, "next": NARROWED}).text
    assert next_of(asked, "/tasks/reassign") == NARROWED


def test_what_is_taken_and_given_back_at_once_leaves_one_where_one_was(bob, submit, open_task):
    task_id = open_task(submit()).id
    page = bob.post(f"/tasks/{task_id}/assign", data={"next": "/queue?q=bees"}, follow_redirects=True).text
    assert next_of(page, f"/tasks/{task_id}/unassign") == "/queue?q=bees"


def test_a_process_leads_back_to_the_list_of_processes(carol, submit):
    process_id = submit()
    page = carol.get("/processes?flow=paper&state=new").text
    came_from = {"Referer": "http://localhost/processes?flow=paper&state=new"}
    detail = carol.get(link_to(page, f"/processes/{process_id}"), headers=came_from).text
    asked = carol.get(link_to(detail, f"/processes/{process_id}/suspend")).text
    assert next_of(asked, f"/processes/{process_id}/suspend") == "/processes?flow=paper&state=new"


def test_nobody_is_led_away(bob, submit, take):
    task_id = take(submit())
    bob.get("/inbox")  # where the line that he took it is shown
    for evil in ("https://example.com/", "//example.com", "/\\example.com", "javascript:alert(1)"):
        page = bob.get(f"/tasks/{task_id}/execute", query_string={"next": evil}).text
        assert f'href="{evil}' not in page
        assert next_of(page, f"/tasks/{task_id}/unassign") == "/inbox"
        answer = bob.post(f"/tasks/{task_id}/unassign", data={"next": evil})
        assert answer.location == f"/tasks/{task_id}"
        elsewhere = bob.get(f"/tasks/{task_id}", headers={"Referer": "http://example.com/inbox?flow=paper"})
        assert "example.com" not in elsewhere.text
        take_again = bob.post(f"/tasks/{task_id}/assign", query_string={"next": evil})
        assert take_again.location == f"/tasks/{task_id}"
        bob.get("/inbox")


@pytest.mark.parametrize(
    ("address", "orders", "columns"),
    [
        ("/inbox", ORDERS, ("due", "waiting", "process")),
        ("/archive", ARCHIVE_ORDERS, ("finished", "process")),
    ],
)
def test_each_column_sorts_both_ways(bob, submit, take, address, orders, columns):
    done = take(submit())
    bob.post(f"/tasks/{done}/execute", data={})
    take(submit())
    for column in columns:
        for name, word, other in ((column, "ascending", f"-{column}"), (f"-{column}", "descending", column)):
            assert name in orders
            page = bob.get(f"{address}?sort={name}").text
            heading = re.search(r'<th[^>]*aria-sort="(\w+)"[^>]*><a class="sort" href="([^"]*)"', page)
            assert heading[1] == word
            assert html.unescape(heading[2]) == f"{address}?sort={other}"


def test_the_order_that_a_list_has_by_itself_is_told_and_turned_round(bob, submit, take):
    take(submit())
    assert 'aria-sort="ascending"><a class="sort" href="/inbox?sort=-due"' in bob.get("/inbox").text
