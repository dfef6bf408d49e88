"""The code has changed under running processes: every page still shows them, and says what is lost."""

from __future__ import annotations

import datetime as dt
import types

import pytest

from portal import flow, this
from portal.engine import declarations
from portal.models import Event, Task, db, init_db

DAY = dt.timedelta(days=1)


class BelowFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.ManualTask().Next(this.end)
    end = flow.End()


def paper(**nodes):
    body = {"start": flow.StartHandle().Next(this.split), "end": flow.End(), **nodes}
    return types.new_class("PaperFlow", (flow.Flow,), exec_body=lambda namespace: namespace.update(body))


@pytest.fixture
def process(app, register, people):
    """A process whose steps the code no longer has, but one that has become another kind."""
    register(BelowFlow)
    review = flow.ManualTask().Permission("paper.can_review").OnTimeout(DAY, this.end).Next(this.end)
    broken = flow.Function(lambda activation: 1 / 0).Next(this.end)
    wait = flow.Timer(DAY).Next(this.end)
    call = flow.Subprocess(BelowFlow.start).Next(this.end)
    split = flow.Split().Next(this.review).Next(this.broken).Next(this.call).Next(this.wait).Next(this.free)
    free = flow.ManualTask().Permission("paper.can_review").Next(this.end)
    flows = app.extensions["portal_flows"]
    old = flows["paper"] = paper(split=split, review=review, broken=broken, call=call, wait=wait, free=free)
    init_db()
    started = old.start.run()
    with (
        db.session.scalars(db.select(Task).where(Task.flow_task == "review")).one().activation() as activation
    ):
        activation.assign(people["bob"])
    flows["paper"] = paper(split=flow.ManualTask().Next(this.wait), wait=flow.Handle().Next(this.end))
    return started.id


def tasks():
    return {task.flow_task: task.id for task in db.session.scalars(db.select(Task)).unique()}


ACTIONS = ("execute", "assign", "unassign", "reassign", "cancel", "undo", "revive")
PAGES = ("/inbox", "/queue", "/archive", "/processes", "/processes?flow=paper", "/flows", "/flows/paper",
         "/flows/paper/chart.svg", "/flows/paper/chart.bpmn", "/admin/", "/admin/incidents", "/admin/jobs")  # fmt: skip


@pytest.mark.parametrize("gone", [False, True], ids=["changed", "gone"])
@pytest.mark.parametrize("who", ["bob", "erin"])
def test_no_page_breaks(app, process, client_of, who, gone):
    client = client_of(who)
    if gone:
        app.extensions["portal_flows"].pop("paper")
    ids = tasks().values()
    paths = [
        *PAGES,
        f"/processes/{process}",
        f"/processes/{process}/chart.svg",
        *(f"/tasks/{i}" for i in ids),
    ]
    for path in (*paths, *(f"/tasks/{i}/{action}" for i in ids for action in ACTIONS)):
        assert client.get(path).status_code < 500, path
    for path in (f"/tasks/{i}/{action}" for i in ids for action in ACTIONS):
        assert client.post(path, data={"user": "bob"}).status_code < 500, path


@pytest.mark.parametrize("name", ["review", "call", "wait", "free"])
def test_a_lost_step_is_named_and_can_be_cancelled(process, carol, status_of, name):
    task_id = tasks()[name]
    page = carol.get(f"/tasks/{task_id}").text
    assert name.capitalize() in page
    assert "no longer has this step" in page
    assert f"/tasks/{task_id}/cancel" in page
    for action in ACTIONS:
        assert (f"/tasks/{task_id}/{action}" in page) == (action == "cancel")
    answer = carol.post(f"/tasks/{task_id}/execute")
    assert (answer.status_code, "Step removed" in answer.text) == (409, True)
    assert carol.post(f"/tasks/{task_id}/cancel").status_code == 303
    assert status_of(task_id) == "CANCELED"
    assert "no longer has this step" not in carol.get(f"/tasks/{task_id}").text


def test_what_failed_at_a_lost_step_offers_no_way_back(process, carol):
    task_id = tasks()["broken"]
    assert f"/tasks/{task_id}/revive" not in carol.get(f"/tasks/{task_id}").text
    assert carol.get(f"/tasks/{task_id}/revive").status_code == 409


def test_a_lost_step_stays_in_the_lists(process, bob, carol):
    assert "Review" in bob.get("/inbox").text
    page = carol.get(f"/processes/{process}").text
    for name in ("Review", "Broken", "Call", "Wait", "Free"):
        assert name in page


def test_a_move_stands_in_the_history_and_is_told_to_who_comes_late(process, carol, bob):
    from portal.engine.versions import migration
    from portal.flow.registry import registry

    migration.move(db.session(), registry["paper"], {"review": "split"})
    task_id = tasks()["review"]
    page = carol.get(f"/tasks/{task_id}").text
    assert "moved" in page
    assert "to split" in page
    late = bob.post(f"/tasks/{task_id}/execute")
    assert (late.status_code, "Moved to another step" in late.text) == (409, True)


def test_a_manager_moves_a_process_to_its_flow_as_it_is_now(process, carol, bob):
    address = f"/processes/{process}/migrate"
    assert f'href="{address}' in carol.get(f"/processes/{process}").text
    assert bob.get(address).status_code == 403
    page = carol.get(address).text
    assert 'name="to-review"' in page
    assert 'value="wait" selected' in page, "a step that has become another one is likely meant itself"
    assert carol.post(address, data={}).status_code == 422
    assert carol.post(address, data={"to-review": "start"}).status_code == 422
    page = carol.post(address, data={"to-review": "split", "_ask": "1"}).text
    assert "“Review” is cancelled, and the process continues at “Split”." in page
    assert "bob keeps it" in page
    before = tasks()["review"]
    assert db.session.get(Task, before, populate_existing=True).status == "ASSIGNED"
    answer = carol.post(address, data={"to-review": "split", "reason": "The new rules"})
    assert answer.location == f"/processes/{process}"
    old = db.session.get(Task, before, populate_existing=True)
    assert old.status == "CANCELED"
    query = db.select(Task).where(Task.flow_task == "split", Task.finished.is_(None))
    fresh = db.session.scalars(query).unique().one()
    assert (fresh.status, fresh.owner.username) == ("ASSIGNED", "bob")
    event = db.session.scalars(
        db.select(Event).where(Event.task_id == old.id, Event.action == "migrate")
    ).one()
    assert (event.user.username, event.detail["to"], event.detail["reason"]) == (
        "carol",
        "split",
        "The new rules",
    )


def test_both_declarations_are_shown_side_by_side(app, process, carol):
    page = carol.get(f"/processes/{process}/migrate").text
    before, after = pictures(page)
    assert "is the way that the process has gone" in before, "its declaration was not kept"
    assert state_of(before, "review") == {"flow-removed", "flow-is-current"}
    assert state_of(before, "split") == {"flow-changed", "flow-is-done"}
    assert state_of(after, "wait") == {"flow-changed", "flow-is-current"}, (
        "where the token is likely to go on"
    )
    assert "from “Wait”" in after
    page = carol.post(f"/processes/{process}/migrate", data={"to-review": "split", "_ask": "1"}).text
    after = page[page.index('id="after-title"') :]
    assert state_of(after, "split") == {"flow-changed", "flow-is-current"}
    assert "from “Review”" in after
    assert "Removed:</strong> Manual task “Review”" in after


def test_a_declaration_that_was_kept_is_drawn_whole(app, register, people, carol):
    register(BelowFlow)
    flows = app.extensions["portal_flows"]
    old = flows["paper"] = paper(
        split=flow.Split().Next(this.ask).Next(this.other),
        ask=flow.ManualTask().OnTimeout(DAY, this.late).Next(this.join),
        other=flow.ManualTask().Annotation(title="Another").Next(this.join),
        late=flow.Function(lambda activation: None).Next(this.join),
        join=flow.Join().Next(this.check),
        check=flow.If(lambda activation: True).Then(this.end).Else(this.split),
    )
    assert declarations.keep(db.session()) >= 1
    assert declarations.keep(db.session()) == 0
    started = old.start.run().id
    flows["paper"] = paper(
        split=flow.Split().Next(this.look).Next(this.other),
        look=flow.ManualTask().Next(this.join),
        other=flow.ManualTask().Annotation(title="Another").Next(this.join),
        join=flow.Join().Next(this.end),
    )
    page = carol.get(f"/processes/{started}/migrate").text
    before, after = pictures(page)
    assert "where this process stands" in before
    assert {name for name in ("ask", "ask__timeout", "late", "check") if "flow-removed" in state_of(before, name)} == {
        "ask", "ask__timeout", "late", "check",
    }  # fmt: skip
    assert state_of(before, "other") == {"flow-is-current"}
    assert "After 1 day" in before
    assert "removed</text>" in before, "a word beside the colour"
    assert "flow-added" in state_of(after, "look")
    assert state_of(after, "other") == {"flow-is-current"}, "what stays where it is"
    assert "Added:</strong> Manual task “Look”" in after


def test_what_changed_since_a_version_is_told_on_the_flows_page(app, register, people, carol, bob):
    flows = app.extensions["portal_flows"]
    old = flows["paper"] = paper(
        split=flow.ManualTask().Annotation(title="Read").Next(this.more),
        more=flow.ManualTask().Next(this.end),
    )
    declarations.keep(db.session())
    old.start.run()
    old.start.run()
    assert "What changed since" not in carol.get("/flows/paper").text
    flows["paper"] = paper(split=flow.ManualTask().Annotation(title="Study").Next(this.end))
    page = carol.get("/flows/paper").text
    address = f"/flows/paper/versions/{old.definition.fingerprint}"
    assert address in page
    listed = f"/processes?flow=paper&amp;version={old.definition.fingerprint}&amp;state=open"
    assert f'<td class="number">2</td><td class="number"><a href="{listed}">2</a></td>' in page, (
        "how many of a version are in progress, and which"
    )
    assert "Manual task, for whoever may see the process." in page, "in words"
    before, after = pictures(carol.get(address).text)
    assert state_of(before, "more") == {"flow-removed"}
    assert state_of(before, "split") == state_of(after, "split") == {"flow-changed"}
    assert bob.get(address).status_code == 403
    assert carol.get(f"{address}0").status_code == 404


def pictures(page):
    """The picture of what it was, and what comes behind it."""
    return page[page.index('id="before-title"') : page.index('id="after-title"')], page[
        page.index('id="after-title"') :
    ]


def state_of(picture, name):
    """What the picture says of a node."""
    classes = picture[: picture.index(f'data-node="{name}"')].rpartition('class="')[2].split()
    marks = {
        "flow-removed",
        "flow-added",
        "flow-changed",
        "flow-is-current",
        "flow-is-done",
        "flow-is-failed",
    }
    return {each.strip('"') for each in classes} & marks
