"""What people say of a process: who may, who is told, and that nothing typed is lost."""

import datetime as dt

import pytest

from portal.engine.transaction import clock
from portal.models import Comment, Notice, Outgoing, Process, Task, User, db


@pytest.fixture
def say(client_of):
    def say(who, address, text, **query):
        return client_of(who).post(f"{address}/comments", data={"text": text}, query_string=query)

    return say


def comments():
    return list(db.session.scalars(db.select(Comment).order_by(Comment.id)))


def told(username):
    query = db.select(Notice.event).join(User, User.id == Notice.user_id).where(User.username == username)
    return sorted(db.session.scalars(query.where(Notice.event.in_(("comment", "mention")))))


def test_a_comment_stands_on_the_pages(alice, bob, submit, take, say):
    process_id = submit()
    task_id = take(process_id)
    answer = say("bob", f"/tasks/{task_id}", "Which *bees*?", next=f"/tasks/{task_id}/execute")
    assert answer.location == f"/tasks/{task_id}/execute#comment-1"
    for client, page in (
        (alice, f"/processes/{process_id}"),
        (bob, f"/tasks/{task_id}"),
        (bob, f"/tasks/{task_id}/execute"),
    ):
        assert "Which <em>bees</em>?" in client.get(page).text
    assert comments()[0].task_id == task_id


def test_scripts_are_taken_out(alice, submit, say):
    process_id = submit()
    say(
        "alice",
        f"/processes/{process_id}",
        "<script>alert(1)</script><img src=x onerror=y> [a](javascript:b)",
    )
    page = alice.get(f"/processes/{process_id}").text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page


def test_who_may_not_see_the_process_says_nothing(dave, submit):
    assert dave.post(f"/processes/{submit()}/comments", data={"text": "Hi"}).status_code == 403
    assert comments() == []


def test_who_sees_only_the_task_does_not_read_what_is_said(bob, submit, say):
    process_id = submit()
    say("alice", f"/processes/{process_id}", "Between us")
    task_id = db.session.scalars(db.select(Task.id).where(Task.status == "NEW")).one()
    assert "Between us" not in bob.get(f"/tasks/{task_id}").text
    assert bob.post(f"/tasks/{task_id}/comments", data={"text": "Hi"}).status_code == 403


def test_whom_it_names_is_told(carol, submit, take, say):
    process_id = submit()
    take(process_id)
    say("alice", f"/processes/{process_id}", "@BOB, please; and @carol.")
    assert (told("bob"), told("carol"), told("alice")) == (["mention"], ["mention"], [])
    assert '<span class="mention">@BOB</span>' in carol.get(f"/processes/{process_id}").text


def test_who_cannot_see_it_is_not_told_and_the_author_hears_so(alice, submit):
    process_id = submit()
    alice.post(f"/processes/{process_id}/comments", data={"text": "@dave and @nobody"})
    page = alice.get(f"/processes/{process_id}").text
    assert "dave has no access to this process and was not told." in page
    assert "There is no user “nobody”" in page
    assert told("dave") == []


def test_followers_are_told(alice, bob, submit, take, say):
    process_id = submit()
    take(process_id)
    say("bob", f"/processes/{process_id}", "First")  # alice has started it
    say("alice", f"/processes/{process_id}", "Second")  # bob has said something
    assert (told("alice"), told("bob")) == (["comment"], ["comment"])
    assert "Unfollow" in bob.get(f"/processes/{process_id}").text
    bob.post(f"/processes/{process_id}/follow", data={"stop": "1"})
    say("alice", f"/processes/{process_id}", "Third")
    say("bob", f"/processes/{process_id}", "Fourth")  # which does not make him follow again
    say("alice", f"/processes/{process_id}", "Fifth")
    assert told("bob") == ["comment"]
    bob.post(f"/processes/{process_id}/follow")
    say("alice", f"/processes/{process_id}", "Sixth")
    assert told("bob") == ["comment", "comment"]


def test_mail_goes_to_whom_it_names(people, submit, take, say):
    people["bob"].email = "bob@example.com"
    db.session.commit()
    process_id = submit()
    take(process_id)
    say("alice", f"/processes/{process_id}", "@bob look")
    row = db.session.scalars(db.select(Outgoing).where(Outgoing.event == "mention")).one()
    assert row.payload["by"] == "Alice Author"


def test_the_end_is_told_to_followers(bob, carol, submit, take):
    process_id = submit()
    carol.post(f"/processes/{process_id}/follow")
    bob.post(f"/tasks/{take(process_id)}/execute", data={})
    ends = db.session.scalars(db.select(Notice.user_id).where(Notice.event == "finished"))
    names = {db.session.get_one(User, user_id).username for user_id in ends}
    assert names == {"alice", "carol"}


def later(monkeypatch_clock, **span):
    now = dt.datetime.now(dt.UTC) + dt.timedelta(**span)
    return clock.set(lambda: now)


def test_ones_own_is_changed_for_ten_minutes(alice, bob, submit, take, say):
    process_id = submit()
    take(process_id)
    say("alice", f"/processes/{process_id}", "Typo")
    assert "Typo" in alice.get("/comments/1/edit").text
    assert bob.get("/comments/1/edit").status_code == 403
    assert bob.post("/comments/1/remove").status_code == 403
    answer = alice.post("/comments/1/edit", data={"text": "A" * 10_001})
    assert (answer.status_code, "A" * 10_001 in answer.text) == (422, True)
    assert alice.post("/comments/1/edit", data={"text": "No typo"}).status_code == 303
    page = alice.get(f"/processes/{process_id}").text
    assert "No typo" in page
    assert "edited" in page
    token = later(None, minutes=11)
    try:
        assert alice.post("/comments/1/edit", data={"text": "Late"}).status_code == 409
        assert alice.post("/comments/1/remove").status_code == 409
    finally:
        clock.reset(token)


def test_a_manager_removes_and_the_row_stays(alice, carol, submit, say):
    process_id = submit()
    say("alice", f"/processes/{process_id}", "Something rude")
    assert "Something rude" in carol.get("/comments/1/remove").text
    assert carol.post("/comments/1/remove").status_code == 303
    page = alice.get(f"/processes/{process_id}").text
    assert "Something rude" not in page
    assert "Removed by carol" in page
    assert carol.post("/comments/1/remove").status_code == 409
    assert (comments()[0].text, comments()[0].removed_by.username) == ("", "carol")


@pytest.mark.parametrize("text", ["", "  \n ", "A" * 10_001])
def test_what_is_no_comment_is_refused(alice, submit, text):
    assert alice.post(f"/processes/{submit()}/comments", data={"text": text}).status_code == 422
    assert comments() == []


def test_what_was_typed_is_not_lost(app, client_of, submit):
    process_id = submit()
    address = f"/processes/{process_id}"
    alice = client_of("alice")
    assert "A" * 200 in alice.post(f"{address}/comments", data={"text": "A" * 10_001}).text
    assert "A" * 10_001 in alice.get(address).text
    alice.post(f"{address}/comments", data={"text": "Short"})
    assert "A" * 10_001 not in alice.get(address).text

    alice.post("/logout")
    answer = alice.post(f"{address}/comments", data={"text": "Behind the session"})
    assert "/login" in answer.location
    alice.post("/login", data={"username": "alice", "password": "correct horse"})
    assert "Behind the session" in alice.get(address).text
    assert [each.text for each in comments()] == ["Short"]


def test_older_comments_have_a_page(alice, submit):
    process_id = submit()
    now = dt.datetime.now(dt.UTC)
    author = db.session.get_one(Process, process_id).created_by_id
    for number in range(1, 62):
        db.session.add(Comment(process_id=process_id, author_id=author, text=f"No {number}.", created=now))
    db.session.commit()
    page = alice.get(f"/processes/{process_id}").text
    assert "No 61." in page
    assert "No 11." not in page
    assert "No 11." in alice.get(f"/processes/{process_id}?comments_before=12").text


def test_the_number_of_statements_stays(alice, bob, submit, take, say, count):
    process_id = submit()
    task_id = take(process_id)
    for who in ("alice", "bob"):
        for _ in range(4):
            say(who, f"/tasks/{task_id}", "@alice @bob Something")
    pages = (
        (alice, f"/processes/{process_id}", 9),
        (bob, f"/tasks/{task_id}", 10),
        (bob, f"/tasks/{task_id}/execute", 9),
    )
    for client, page, budget in pages:
        with count() as statements:
            assert client.get(page).status_code == 200
        assert len(statements) <= budget, str(statements)
