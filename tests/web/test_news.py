"""What a page asks while it is seen: badges, and what has come into its list."""

from __future__ import annotations

import html
import re


def asked(client, address):
    """What the page of a list asks with."""
    page = client.get(address).text
    since, newest = re.search(r'data-since="([^"]*)" data-newest="(\d+)"', page).groups()
    return {"list": address.strip("/"), "since": html.unescape(since), "newest": newest}


def test_badges_and_new_rows_without_a_reload(bob, submit, take):
    submit()
    before = asked(bob, "/queue")
    first = bob.get("/news", query_string=before)
    assert first.json == {"badges": {"inbox": "", "queue": "1", "incidents": ""}, "text": ""}
    assert (
        bob.get("/news", query_string=before, headers={"If-None-Match": first.headers["ETag"]}).status_code
        == 304
    )
    submit()
    submit()
    later = bob.get("/news", query_string=before, headers={"If-None-Match": first.headers["ETag"]})
    assert later.status_code == 200
    assert later.json == {
        "badges": {"inbox": "", "queue": "3", "incidents": ""},
        "text": "2 new tasks · Show",
    }


def test_what_is_assigned_is_new_in_the_inbox(bob, submit, take):
    take(submit())
    before = asked(bob, "/inbox")
    assert bob.get("/news", query_string=before).json["text"] == ""
    take(submit())
    assert bob.get("/news", query_string=before).json["text"] == "1 new task · Show"


def test_it_asks_little(bob, submit, count):
    submit()
    before = asked(bob, "/queue")
    with count() as statements:
        bob.get("/news", query_string=before)
    assert len(statements) <= 4, str(statements)
