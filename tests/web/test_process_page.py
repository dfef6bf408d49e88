"""Processes: the list, one of them, and the page of a flow."""

import datetime as dt
import re

import on_each_database
import pytest

from portal import flow, queries, this, views
from portal.models import Event, Process, Task, db
from portal.queries import one_process, paging
from portal.web import processes

#: who signs in, the process with what is known of its comments, its tasks, its story
BUDGET = 4


database_url = on_each_database.database_url


def status(process_id):
    return db.session.get_one(Process, process_id, populate_existing=True).status


def test_one_glance_says_where_it_is_who_has_it_and_since_when(alice, submit, take):
    process_id = submit("On bees")
    page = alice.get(f"/processes/{process_id}").text
    assert "Unassigned" in page
    take(process_id)
    page = alice.get(f"/processes/{process_id}").text
    for words in ("Paper On bees", "In progress", "Review", "bob", "Alice Author", "<time", "As a list"):
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
    monkeypatch.setattr(processes, "_STORY", 5)
    process_id = submit()
    for _ in range(3):
        bob.post(f"/tasks/{take(process_id)}/unassign")
    for tab, last in (("story", "started"), ("events", "started"), ("changes", "On bees")):
        page, found = alice.get(f"/processes/{process_id}?tab={tab}").text, set()
        while link := re.search(r"[?;]before=(\d+)[^\"]*#happened", page):
            assert link[1] not in found
            found.add(link[1])
            page = alice.get(f"/processes/{process_id}?tab={tab}&before={link[1]}").text
        assert (len(found) > 0) is (tab != "changes")
        assert last in page


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
    for query in ("state=attention", "status=attention"):
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
    assert "On bees" not in dave.get("/processes?q=bees&mine=0").text


def test_the_number_of_statements_stays(alice, carol, submit, take, bob, count):
    process_id = submit()
    for _ in range(4):
        bob.post(f"/tasks/{take(process_id)}/unassign")
    take(process_id)
    for client in (alice, bob, carol):
        with count() as statements:
            assert client.get(f"/processes/{process_id}").status_code == 200
        assert len(statements) == BUDGET, str(statements)
        for tab in ("events", "changes"):
            with count() as statements:
                assert client.get(f"/processes/{process_id}?tab={tab}").status_code == 200
            assert len(statements) == BUDGET + 1, str(statements)


def grow(process_id, number):
    """Give a process a long past, by rows: tasks that are done, the links between them, and their history."""
    process = db.session.get_one(Process, process_id)
    start = db.select(Task).where(Task.process_id == process_id, Task.number == 1)
    task = db.session.scalars(start).unique().one()
    names = ("flow_task", "flow_task_type", "token", "created", "finished", "status")
    same = {name: getattr(task, name) for name in names} | {"process_id": process_id, "status": "DONE"}
    rows = [
        {**same, "number": process.task_count + 1 + each, "priority": 0, "data": {}, "attempt": 0}
        for each in range(number)
    ]
    db.session.execute(db.insert(Task.__table__), rows)
    query = db.select(Task.id).where(Task.process_id == process_id).order_by(Task.id)
    event = {
        "process_id": process_id,
        "created": task.created,
        "to_state": "DONE",
        "action": "step",
        "detail": {},
    }
    db.session.execute(
        db.insert(Event.__table__), [{**event, "task_id": key} for key in db.session.scalars(query)]
    )
    process.task_count += number
    db.session.commit()


def test_a_process_with_many_tasks_opens_with_as_many_statements_and_rows(
    carol, submit, take, count, monkeypatch
):
    process_id = submit()
    take(process_id)
    grow(process_id, 2000)
    found = queries.course(db.session(), db.session.get_one(Process, process_id))
    assert len(found.tasks) < one_process.BEGINNING + one_process.END + one_process.OPEN + 2
    assert [task.flow_task for task in found.open_tasks] == ["review"]
    assert ("start", "review") in found.ways
    with count() as statements:
        page = carol.get(f"/processes/{process_id}")
    assert len(statements) == BUDGET, str(statements)
    assert "flow-is-current" in page.text
    assert len(page.data) < 60_000
    pages = 0
    # a story of which the last pages say nothing has an end all the same
    while pages < 10 and (link := re.search(r"\?before=(\d+)#happened", page.text)):
        page, pages = carol.get(f"/processes/{process_id}?before={link[1]}"), pages + 1
    assert pages == 4
    assert "Submit" in page.text


def test_of_many_open_steps_some_are_shown_and_what_failed_comes_first(carol, submit, open_task, count):
    process_id = submit()
    with count() as few:
        carol.get(f"/processes/{process_id}")
    process = db.session.get_one(Process, process_id)
    columns = [each for each in Task.__table__.columns if each.key not in ("id", "number", "_sentinel")]
    same = db.session.execute(db.select(*columns).where(Task.id == open_task(process_id).id)).mappings().one()
    rows = [{**same, "number": process.task_count + 1 + each} for each in range(200)]
    db.session.execute(db.insert(Task.__table__), rows)
    process.task_count += len(rows)
    db.session.commit()
    failing = queries.course(db.session(), process).open_tasks[-1].id
    with count() as statements:
        page = carol.get(f"/processes/{process_id}")
    assert len(statements) <= len(few) + 1, str(statements)  # one asks whether it is stuck
    assert f'class="row-title" href="/tasks/{failing}"' not in page.text
    assert f"{len(rows) + 1 - 2} more steps are open." in page.text
    db.session.execute(db.update(Task).where(Task.id == failing).values(status="ERROR"))
    db.session.commit()
    page = carol.get(f"/processes/{process_id}")
    assert len(page.data) < 60_000
    panel = re.search(r'<section class="panel open-now".*?</section>', page.text, re.DOTALL)[0]
    shown = re.findall(r'class="row-title" href="/tasks/(\d+)"', panel)
    assert len(set(shown)) == len(shown) == one_process.SHOWN
    assert shown[0] == str(failing)
    assert f"the first {one_process.SHOWN}" in panel
    every = carol.get(re.search(r'href="(/tasks\?q=\d+)"', panel)[1]).text
    assert every.count(f">#{process_id}<") == paging.PAGE, "the list has the rest, page by page"


def test_the_story_tells_decisions_and_how_long_they_took(alice, bob, submit, take):
    process_id = submit()
    bob.post(f"/tasks/{take(process_id)}/execute", data={"accepted": "y"})
    page = alice.get(f"/processes/{process_id}").text
    assert "<strong>bob</strong> finished" in page
    assert (
        '<del>—</del> → <span class="new-value">Yes</span>'
        in alice.get(f"/processes/{process_id}?tab=changes").text
    )
    assert '<dt>Accepted</dt><dd>Yes<span class="row-line">bob, <time' in page
    assert "<dt>Title</dt><dd>On bees</dd>" in page  # the requester's own values bear no name


def test_a_failed_step_is_a_band_with_its_cause_for_who_manages(alice, client_of, register, people):
    def fail(activation):
        raise ValueError("out of <paper>")

    class PrintFlow(flow.Flow):
        start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.press)
        press = flow.Function(fail).Next(this.end)
        end = flow.End()

    register(PrintFlow)
    ids = [views.submit(PrintFlow.start, people["alice"]).id for _ in range(2)]
    page = client_of("erin").get(f"/processes/{ids[0]}").text
    for words in (
        "Press failed",
        "out of &lt;paper&gt;",
        "same error in 1 other process",
        "Retry…",
        "Skip…",
        "Failed ",
    ):
        assert words in page
    page = alice.get(f"/processes/{ids[0]}").text
    assert "Press failed" in page
    assert "A manager of the flow has to look into it." in page
    for words in ("out of &lt;paper&gt;", "Retry…", "Skip…"):
        assert words not in page


def test_a_suspended_process_says_who_has_suspended_it_and_why(carol, alice, submit):
    process_id = submit()
    carol.post(f"/processes/{process_id}/suspend", data={"reason": "Waits for the audit"})
    page = carol.get(f"/processes/{process_id}").text
    assert "carol, <time" in page
    assert "<q>Waits for the audit</q>" in page
    assert f'href="/processes/{process_id}/resume' in page
    assert f'href="/processes/{process_id}/resume' not in alice.get(f"/processes/{process_id}").text


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
