"""Processes: the list, one of them, and the page of a flow."""

import datetime as dt

import pytest

from portal import flow, queries, this, views
from portal.models import Process, Task, db

BUDGET = 9


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'portal.sqlite'}"
    return str(request.getfixturevalue("postgresql"))


def status(process_id):
    return db.session.get_one(Process, process_id, populate_existing=True).status


def test_one_glance_says_where_it_is_who_has_it_and_since_when(alice, submit, take):
    process_id = submit("On bees")
    page = alice.get(f"/processes/{process_id}").text
    assert "Unassigned" in page
    take(process_id)
    page = alice.get(f"/processes/{process_id}").text
    for words in (
        "Paper On bees",
        "In progress",
        "Review",
        "bob",
        "Alice Author",
        "<time",
        "As a list",
    ):
        assert words in page
    assert "flow-is-current" in page
    assert "flow-is-passed" in page


def test_the_timeline_has_every_event(alice, bob, submit, take):
    process_id = submit()
    bob.post(f"/tasks/{take(process_id)}/execute", data={})
    page = alice.get(f"/processes/{process_id}").text
    for words in ("started", "took", "finished", "Rejected"):
        assert words in page


def test_a_long_timeline_has_pages(alice, submit, take, bob, monkeypatch):
    monkeypatch.setattr(queries, "EVENTS", 5)
    process_id = submit()
    for _ in range(3):
        bob.post(f"/tasks/{take(process_id)}/unassign")
    page = alice.get(f"/processes/{process_id}").text
    assert "Earlier" in page
    before = page.split("?before=")[1].split("#")[0]
    assert "started" in alice.get(f"/processes/{process_id}?before={before}").text


def test_the_data_has_labels(alice, submit):
    page = alice.get(f"/processes/{submit(pages=12)}").text
    assert "<dt>Pages</dt><dd>12</dd>" in page


@pytest.mark.parametrize("number", ["0", "-1", "999", "9" * 30, "x"])
@pytest.mark.parametrize("rest", ["", "/chart.svg", "/cancel"])
def test_what_is_not_there_is_404(alice, number, rest):
    assert alice.get(f"/processes/{number}{rest}").status_code == 404


@pytest.mark.parametrize("rest", ["", "/chart.svg", "/cancel", "/suspend", "/resume"])
def test_who_has_nothing_to_do_with_it_gets_403(dave, submit, rest):
    process_id = submit()
    assert dave.get(f"/processes/{process_id}{rest}").status_code == 403
    if rest and rest != "/chart.svg":
        assert dave.post(f"/processes/{process_id}{rest}").status_code == 403
    assert status(process_id) == "NEW"


def test_suspending_resuming_and_cancelling(carol, alice, submit):
    process_id = submit()
    address = f"/processes/{process_id}"
    assert alice.post(f"{address}/cancel").status_code == 403
    assert carol.post(f"{address}/resume").status_code == 409
    assert "Nobody can work on its tasks" in carol.get(f"{address}/suspend").text
    assert status(process_id) == "NEW"
    assert carol.post(f"{address}/suspend").location == address
    assert status(process_id) == "SUSPENDED"
    answer = carol.post(f"{address}/suspend")
    assert answer.status_code == 409
    assert "suspended" in answer.text
    assert "carol" in answer.text
    assert carol.post(f"{address}/resume").status_code == 303
    assert carol.post(f"{address}/cancel").status_code == 303
    assert status(process_id) == "CANCELED"
    assert carol.post(f"{address}/cancel").status_code == 409
    assert "Cancelled" in carol.get(address).text


def test_a_process_that_nothing_can_bring_on_is_stuck(carol, submit, open_task):
    process_id = submit()
    carol.post(f"/tasks/{open_task(process_id).id}/cancel")
    assert "Needs attention" in carol.get(f"/processes/{process_id}").text
    assert carol.get("/processes").text.count("Needs attention") == 2, "beside the filter of that name"
    for query in ("state=attention", "status=TROUBLE"):
        assert f"#{process_id}" in carol.get(f"/processes?{query}").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"bees", "ants"}),
        ("mine=1", {"bees", "ants"}),
        ("q=bees", {"bees"}),
        ("status=DONE", {"ants"}),
        ("status=NEW", {"bees"}),
        ("status=SUSPENDED", set()),
        ("status=FAILED", set()),
        ("status=TROUBLE", set()),
        ("state=attention", set()),
        ("state=done", {"ants"}),
        ("flow=paper&sort=number", {"bees", "ants"}),
        ("flow=other", set()),
    ],
)
def test_the_list_and_its_filters(alice, bob, submit, take, query, found):
    submit("On bees", pages=1)
    bob.post(f"/tasks/{take(submit('On ants', pages=2))}/execute", data={})
    db.session.scalars(db.select(Process).where(Process.status == "DONE")).unique().one().data["pages"] = 2
    db.session.commit()
    page = alice.get(f"/processes?{query}")
    assert page.status_code == 200
    known = {"bees": "Paper On bees", "ants": "Rejected"}
    assert {name for name, words in known.items() if words in page.text.replace("Rejected by", "")} == found


def test_others_processes_are_not_listed(dave, submit):
    submit("On bees")
    assert "bees" not in dave.get("/processes?q=bees&mine=0").text.replace('value="bees"', "")


def test_the_number_of_statements_stays(alice, carol, submit, take, bob, count):
    process_id = submit()
    for _ in range(4):
        bob.post(f"/tasks/{take(process_id)}/unassign")
    take(process_id)
    for client in (alice, bob, carol):
        with count() as statements:
            assert client.get(f"/processes/{process_id}").status_code == 200
        assert len(statements) <= BUDGET, str(statements)


def test_pictures(alice, submit):
    process_id = submit()
    for address in (f"/processes/{process_id}/chart.svg", "/flows/paper/chart.svg"):
        answer = alice.get(address)
        assert answer.status_code == 200
        assert answer.mimetype == "image/svg+xml"
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert "sha256-" in answer.headers["Content-Security-Policy"]
        again = alice.get(address, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
    assert "bpmn" in alice.get("/flows/paper/chart.bpmn").text


def test_the_board_of_a_flow(carol, submit, take):
    task = db.session.get_one(Task, take(submit("On bees")))
    submit("On ants")
    task.due = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    db.session.commit()
    page = carol.get("/flows/paper").text
    for words in ("Open tasks by step", "Paper On bees", "Paper On ants", "1 overdue", "oldest"):
        assert words in page


def test_the_board_shows_only_what_one_may_see(alice, dave, carol, submit, register, make_user, client_of):
    make_user("frank", "paper.can_start", password="correct horse")
    submit("On bees")
    frank = client_of("frank")
    assert "On bees" not in frank.get("/flows/paper").text
    assert "On bees" in alice.get("/flows/paper").text
    assert dave.get("/flows/paper").status_code == 403
    assert dave.get("/flows/none").status_code == 404


def test_parents_and_children_lead_to_each_other(client_of, register, people):
    class ChapterFlow(flow.Flow):
        start = flow.StartHandle().Next(this.write)
        write = flow.View(views.UpdateProcessView.as_view(fields=[])).Next(this.end)
        end = flow.End()

    class BookFlow(flow.Flow):
        start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.chapter)
        chapter = flow.Subprocess(ChapterFlow.start).Next(this.end)
        end = flow.End()

    register(ChapterFlow)
    register(BookFlow)
    parent = views.submit(BookFlow.start, people["erin"]).id
    erin = client_of("erin")
    page = erin.get(f"/processes/{parent}").text
    assert "Child processes" in page
    child = db.session.scalar(db.select(Process.id).where(Process.parent_task_id.is_not(None)))
    assert f'href="/processes/{child}"' in page
    assert f'href="/processes/{parent}"' in erin.get(f"/processes/{child}").text
    caller = db.session.scalar(db.select(Task.id).where(Task.flow_task == "chapter"))
    assert f'href="/processes/{child}"' in erin.get(f"/tasks/{caller}").text


def test_the_history_of_a_flow_that_is_gone(carol, client_of, submit, app):
    process_id = submit()
    erin = client_of("erin")
    del app.extensions["portal_flows"]["paper"]
    page = erin.get(f"/processes/{process_id}")
    assert page.status_code == 200
    assert "This flow was removed" in page.text
    assert erin.get("/processes").status_code == 200
    task_id = db.session.scalar(db.select(Task.id).where(Task.process_id == process_id))
    assert erin.get(f"/tasks/{task_id}").status_code == 200
