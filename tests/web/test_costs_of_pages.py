"""What a page and a POST ask of the database, to the statement, and how many bytes they take."""

from __future__ import annotations

import cProfile
import datetime as dt
import gzip
import re
from pathlib import Path

import pytest
from sqlalchemy import event, select, update

from portal import queries
from portal.models import Process, Task, db, find_user, utcnow

#: of a POST: who it is, the task, what its action sends, the draft that goes, and what comes next
START, TAKE, FINISH, FINISH_ALL = 8, 5, 8, 10


@pytest.fixture
def sent(count):
    """How many statements a POST sends, when nothing is known yet; and what they are."""

    def post(client, address, **values):
        db.session.remove()
        with count() as statements:
            assert client.post(address, data=values).status_code == 303
        return statements

    return post


def test_a_start(alice, sent):
    statements = sent(alice, "/flows/paper/start/start", title="On bees")
    assert len(statements) == START, str(statements)


def test_a_task_that_is_taken(bob, submit, open_task, sent):
    statements = sent(bob, f"/tasks/{open_task(submit()).id}/assign")
    assert len(statements) == TAKE, str(statements)


def test_a_task_that_is_done(bob, submit, take, sent):
    statements = sent(bob, f"/tasks/{take(submit())}/execute", accepted="y")
    assert len(statements) == FINISH, str(statements)


def test_the_last_task_of_a_process_whose_result_is_told(bob, submit, take, sent):
    statements = sent(bob, f"/tasks/{take(submit())}/execute")
    assert len(statements) == FINISH_ALL, str(statements)
    assert "The process is finished: Rejected." in bob.get("/inbox").text


def test_a_form_is_one_transaction(bob, alice, submit, open_task, app):
    """What is asked ahead of the action and behind it begins none."""
    begun = []

    def note(_connection, _cursor, sql, *_rest):
        if sql.startswith("BEGIN"):
            begun.append(sql)

    process_id = submit()
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        for client, address, values in (
            (alice, "/flows/paper/start/start", {"title": "On bees"}),
            (bob, f"/tasks/{open_task(process_id).id}/assign", {}),
            (bob, f"/tasks/{open_task(process_id).id}/execute", {"accepted": "y"}),
        ):
            db.session.remove()
            begun.clear()
            assert client.post(address, data=values).status_code == 303
            assert begun == ["BEGIN IMMEDIATE"], address
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


#: calls of functions of ours in a POST, with what they may come to before somebody looks why
CALLS = {"start": 670, "take": 398, "finish": 727}


def test_a_form_calls_few_functions(bob, alice, submit, open_task):
    """Counted in calls of the portal's own functions, which no other work on the machine adds to: what a feature adds
    to forms that do not use it shows here first."""
    found = {}
    for _ in range(3):  # the first ones make what is made once
        found["start"] = calls_of(alice, "/flows/paper/start/start", title="On bees")
        db.session.remove()
        task_id = open_task(db.session.scalars(select(Process.id).order_by(Process.id.desc())).first()).id
        found["take"] = calls_of(bob, f"/tasks/{task_id}/assign")
        found["finish"] = calls_of(bob, f"/tasks/{task_id}/execute", accepted="y")
    assert all(found[name] <= most for name, most in CALLS.items()), found


def calls_of(client, address, **values):
    db.session.remove()
    profile = cProfile.Profile()
    answer = profile.runcall(client.post, address, data=values)
    assert answer.status_code == 303
    ours = str(Path(queries.__file__).parents[1])
    counted = [each for each in profile.getstats() if not isinstance(each.code, str)]
    return sum(each.callcount for each in counted if each.code.co_filename.startswith(ours))


@pytest.mark.parametrize(
    ("address", "statements"),
    [("/inbox", 3), ("/queue", 3), ("/archive", 4), ("/processes", 5), ("/flows", 4), ("/flows/paper", 4)],
)
def test_a_page_of_many(bob, submit, take, count, address, statements):
    for number in range(3):
        take(submit(f"Mine {number}"))
        submit(f"Free {number}")
    bob.get(address)  # the first one also compiles
    db.session.remove()
    with count() as sent:
        assert bob.get(address).status_code == 200
    assert len(sent) == statements, str(sent)


def test_a_flow_s_page_for_who_sees_its_versions(carol, submit, count):
    submit()
    carol.get("/flows/paper")
    db.session.remove()
    with count() as sent:
        assert "Fingerprint" in carol.get("/flows/paper").text
    assert len(sent) == 5, str(sent)


@pytest.mark.parametrize(
    ("pattern", "statements"), [("/processes/{}", 4), ("/tasks/{}", 7), ("/tasks/{}/execute", 5)]
)
def test_a_page_of_one(bob, submit, take, count, pattern, statements):
    process_id = submit()
    task_id = take(process_id)
    address = pattern.format(process_id if "processes" in pattern else task_id)
    bob.get(address)
    db.session.remove()
    with count() as sent:
        assert bob.get(address).status_code == 200
    assert len(sent) == statements, str(sent)


def test_a_board_looks_at_no_more_tasks_than_it_says(bob, submit, app):
    for number in range(4):
        submit(f"Paper {number}")
    user, now = find_user(db.session(), "bob"), utcnow()
    part, whole = (queries.board(db.session(), user, "paper", now, most) for most in (2, 5))
    assert [sum(column.count for column in found.values()) for found in (part, whole)] == [2, 4]
    assert (part.whole, whole.whole) == (False, True)
    process_ids = {card.process_id for column in part.values() for card in column.cards}
    assert process_ids == set(sorted(db.session.scalars(select(Process.id)))[:2])


# -- the cookie ------------------------------------------------------------------------------------------


def test_the_cookie_does_not_grow_with_forms_whose_pages_nobody_opens(bob, submit, open_task):
    sizes = []
    for number in range(8):
        task_id = open_task(submit(f"Paper {number}")).id
        answer = bob.post(f"/tasks/{task_id}/assign")
        sizes.append(len(answer.headers["Set-Cookie"]))
    assert max(sizes[3:]) - min(sizes[3:]) < 20
    assert bob.get("/inbox").text.count("message-success") == 3


def test_all_that_one_request_says_is_shown(bob, submit):
    submit()
    answer = bob.post("/tasks/assign", data={"task": [str(9000 + number) for number in range(12)]})
    assert answer.status_code == 303
    assert bob.get("/queue").text.count("there is no such task") == 12


# -- bytes ---------------------------------------------------------------------------------------------------


def fetched(client, address, **headers):
    with client.get(address, headers=headers) as answer:
        assert answer.data is not None
        return answer


def compressed(client, address, **headers):
    return fetched(client, address, **{"Accept-Encoding": "gzip, br", **headers})


def test_pages_are_compressed_for_those_who_can_read_them(bob, submit):
    submit()
    answer, plain = compressed(bob, "/queue"), bob.get("/queue")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert int(answer.headers["Content-Length"]) == len(answer.data) < len(plain.data) / 2
    assert "Paper On bees" in gzip.decompress(answer.data).decode()


@pytest.mark.parametrize("refused", ["gzip;q=0", "identity", ""])
def test_who_refuses_gets_plain_pages(bob, refused):
    assert "Content-Encoding" not in bob.get("/queue", headers={"Accept-Encoding": refused}).headers


def test_the_length_of_a_page_does_not_tell_what_it_repeats(bob):
    lengths = {len(compressed(bob, "/login?next=/inbox").data) for _ in range(3)} | {
        len(compressed(bob, "/flows").data) for _ in range(12)
    }
    assert len(lengths) > 5


def test_small_answers_and_those_of_strangers_stay(bob, app):
    assert "Content-Encoding" not in compressed(bob, "/healthz").headers
    assert "Content-Encoding" not in compressed(bob, "/static/portal/icon.svg").headers


def test_an_asset_is_compressed_and_asked_for_again_by_its_tag(bob):
    answer = compressed(bob, "/static/portal/portal.css")
    tag = answer.headers["ETag"]
    assert tag.startswith("W/")
    assert b"--accent" in gzip.decompress(answer.data)
    assert compressed(bob, "/static/portal/portal.css", **{"If-None-Match": tag}).status_code == 304
    assert compressed(bob, "/static/portal/portal.css").data == answer.data
    part = compressed(bob, "/static/portal/portal.css", Range="bytes=0-2000")
    assert part.status_code == 206
    assert "Content-Encoding" not in part.headers


def assets_of(client, address):
    """The files that a page asks for, and what those import."""
    found = re.findall(r'(?:href|src)="([^"]+\.(?:css|js|svg)(?:\?[^"]*)?)"', client.get(address).text)
    for each in list(found):
        if each.endswith(".js"):
            folder = each.rpartition("/")[0]
            found += [
                f"{folder}/{name}" for name in re.findall(r'from "\./([^"]+)"', fetched(client, each).text)
            ]
    return found


def test_every_asset_may_be_kept_for_ever_and_all_are_small(bob, submit):
    found = assets_of(bob, f"/processes/{submit()}")
    assert len(found) >= 10
    assert all("immutable" in fetched(bob, each).headers["Cache-Control"] for each in found)
    assert sum(len(compressed(bob, each).data) for each in found) < 150 * 1024


def test_an_asset_of_another_version_is_today_s_and_not_kept(bob):
    answer = fetched(bob, "/static/portal/~0000000000/portal.css")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    assert bob.get("/static/portal/~0000000000/nothing.css").status_code == 404
    assert bob.get("/static/portal/~0000000000/../portal.css").status_code == 404


def test_no_icon_is_drawn_into_a_page(bob, submit):
    for number in range(5):
        submit(f"Paper {number}")
    page = bob.get("/queue").text
    assert len(set(re.findall(r'<use href="([^"#]*)#[\w-]+"', page))) == 1, "they are in one file"
    assert "<symbol" not in page


def test_the_log_has_a_line_of_a_page_and_none_of_its_assets(bob, caplog):
    found = assets_of(bob, "/inbox")
    caplog.clear()
    with caplog.at_level("INFO"):
        for each in found:
            fetched(bob, each)
    assert [record.getMessage() for record in caplog.records if "GET" in record.getMessage()] == []


@pytest.fixture
def fifty(submit, people, open_task):
    """Fifty papers with names as long as they may be, all of which are bob's and late."""
    bob, then = people["bob"], utcnow() - dt.timedelta(days=3)
    bob.full_name = "Bartholomäus Feuerstein-Wyssenbach"
    people["alice"].full_name = "Annemarie Kellerhals-von Allmen"
    bob.permissions = [*bob.permissions, "paper.view"]
    db.session.commit()
    tasks = [open_task(submit(f"{number:02} Remarkable properties of bumblebees")) for number in range(50)]
    for task in tasks:
        task.status, task.owner_id, task.assigned, task.due, task.priority = (
            "ASSIGNED",
            bob.id,
            then,
            then,
            10,
        )
    db.session.commit()


@pytest.mark.parametrize("address", ["/inbox", "/tasks", "/processes", "/archive", "/requests"])
def test_a_full_list_has_few_bytes(client_of, fifty, address):
    for name in ("alice", "bob"):
        page = client_of(name).get(address)
        assert page.status_code == 200
        assert len(page.data) < 60 * 1024, (name, address)


def test_a_full_queue_has_few_bytes(client_of, fifty):
    db.session.execute(update(Task).where(Task.owner_id.is_not(None)).values(status="NEW", owner_id=None))
    db.session.commit()
    page = client_of("bob").get("/queue")
    assert page.text.count('data-key="claim"') == 50
    assert len(page.data) < 60 * 1024, len(page.data)


#: calls of functions of a full page, those of libraries too, with what they may come to before somebody looks why
PAGE_CALLS = {"/inbox": 23_500, "/tasks": 26_500, "/processes": 25_500, "/flows/paper": 13_000}


@pytest.mark.parametrize("address", PAGE_CALLS)
def test_a_full_page_calls_few_functions(client_of, fifty, address):
    client = client_of("bob")
    for _ in range(2):  # what is made once
        client.get(address)
    db.session.remove()
    profile = cProfile.Profile()
    assert profile.runcall(client.get, address).status_code == 200
    calls = sum(each.callcount for each in profile.getstats() if not isinstance(each.code, str))
    assert calls <= PAGE_CALLS[address], calls
