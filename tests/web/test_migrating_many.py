"""Many processes are moved to their flow as it is now: asked about first, at once or in the background."""

from __future__ import annotations

import datetime as dt
import types

import on_each_database
import pytest

from portal import flow, this
from portal.engine import declarations, operations
from portal.models import Event, Operation, Task, db
from portal.web import selection
from portal.work import operations as work
from tests.audit import faults
from tests.engine.test_crash import cutting

database_url = on_each_database.database_url


def declared(**nodes):
    body = {"start": flow.StartHandle().Next(this.split), "end": flow.End(), **nodes}
    return types.new_class("PaperFlow", (flow.Flow,), exec_body=lambda namespace: namespace.update(body))


def manual(then, **titles):
    return flow.ManualTask().Permission("paper.can_review").Next(getattr(this, then))


def work_once():
    while work.turn(db.session()):
        pass


@pytest.fixture
def flows(app, people):
    return app.extensions["portal_flows"]


@pytest.fixture
def papers(flows):
    """Four papers, each at three steps: one stays, one has become another kind, and one is gone, which the last two
    papers have left."""
    ids = write_papers(flows, 4)
    for number in ids[2:]:
        with task_at(number, "gone").activation() as activation:
            activation.cancel()
    return ids


def write_papers(flows, number):
    """Papers that were begun before their flow has changed."""
    old = flows["paper"] = declared(
        split=flow.Split().Next(this.read).Next(this.ask).Next(this.gone),
        read=manual("end"),
        ask=flow.Handle().Next(this.end),
        gone=manual("end"),
    )
    declarations.keep(db.session())
    ids = [old.start.run().id for _ in range(number)]
    flows["paper"] = declared(
        split=flow.Split().Next(this.read).Next(this.ask).Next(this.fresh),
        read=manual("end"),
        ask=manual("end"),
        fresh=manual("end"),
    )
    return ids


def task_at(process_id, name):
    db.session.expire_all()
    query = db.select(Task).where(
        Task.process_id == process_id, Task.flow_task == name, Task.finished.is_(None)
    )
    return db.session.scalars(query).unique().one()


def standing(process_id):
    db.session.expire_all()
    query = db.select(Task).where(Task.process_id == process_id, Task.finished.is_(None))
    return sorted((task.flow_task, task.flow_task_type) for task in db.session.scalars(query).unique())


BEFORE = [("ask", "Handle"), ("gone", "ManualTask"), ("read", "ManualTask")]


def test_it_is_asked_first_in_words_and_on_both_pictures(papers, carol):
    assert 'formaction="/processes/migrate?flow=paper"' in carol.get("/processes?flow=paper").text
    assert "/processes/migrate" not in carol.get("/processes").text
    page = carol.post("/processes/migrate", data={"process": papers, "_ask": "1"}).text
    assert "4 processes: “Ask” is cancelled, and they continue at “Ask”." in page
    assert "2 processes stand at “Gone”, for which no step is chosen: they are refused." in page
    assert 'name="to-gone"' in page
    assert 'id="before-title"' in page
    assert "Removed:</strong> Manual task “Gone”" in page
    page = carol.post("/processes/migrate", data={"process": papers, "to-gone": "fresh", "_ask": "1"}).text
    assert "2 processes: “Gone” is cancelled, and they continue at “Fresh”." in page
    assert 'value="fresh" selected' in page
    assert standing(papers[0]) == BEFORE


def test_what_needs_a_choice_is_refused_with_a_link(papers, carol):
    carol.post("/processes/migrate", data={"process": papers, "reason": "New rules"})
    page = carol.get("/processes").text
    assert "2 processes moved." in page
    assert "2 were refused." in page
    assert "its flow no longer has the step “Gone”" in page
    assert f'<a href="/processes/{papers[0]}/migrate">' in page
    assert standing(papers[0]) == BEFORE, "all of it or nothing"
    assert standing(papers[2]) == [("ask", "ManualTask"), ("read", "ManualTask")]
    events = db.session.scalars(db.select(Event).where(Event.action == "migrate")).all()
    assert {each.process_id for each in events} == set(papers[2:])
    assert {each.detail["reason"] for each in events if each.to_state == "CANCELED"} == {"New rules"}
    carol.post("/processes/migrate", data={"process": papers[2:]})
    assert "Every open step of this process is one of its flow as it is now." in carol.get("/processes").text


def test_the_step_may_be_chosen_where_all_are_of_one_flow(papers, carol, register, people):
    answer = carol.post("/processes/migrate", data={"process": papers, "to-gone": "start"})
    assert answer.status_code == 422
    carol.post("/processes/migrate", data={"process": papers, "to-gone": "fresh"})
    assert "4 processes moved." in carol.get("/processes").text
    assert standing(papers[0]) == [("ask", "ManualTask"), ("fresh", "ManualTask"), ("read", "ManualTask")]
    assert standing(papers[3]) == [("ask", "ManualTask"), ("read", "ManualTask")]


def test_nothing_is_chosen_for_several_flows(papers, client_of, register):
    class OtherFlow(flow.Flow):
        start = flow.StartHandle().Next(this.read)
        read = flow.ManualTask().Next(this.end)
        end = flow.End()

    other = register(OtherFlow).start.run().id
    erin = client_of("erin")
    page = erin.post("/processes/migrate", data={"process": [*papers, other], "_ask": "1"}).text
    assert "2 processes stand at “Gone”" in page
    assert 'name="to-gone"' not in page
    assert 'id="before-title"' not in page
    answer = erin.post("/processes/migrate", data={"process": [*papers, other], "to-gone": "fresh"})
    assert answer.status_code == 422
    assert "Steps can be chosen for processes of one flow." in answer.text


def test_only_a_manager_moves_them(papers, bob):
    bob.post("/processes/migrate", data={"process": papers, "to-gone": "fresh"})
    assert standing(papers[0]) == BEFORE
    assert "4 were refused." in bob.get("/processes").text


def test_what_is_suspended_stays(papers, carol):
    carol.post(f"/processes/{papers[2]}/suspend", data={})
    carol.post("/processes/migrate", data={"process": papers[2]})
    assert standing(papers[2]) == [("ask", "Handle"), ("read", "ManualTask")]
    assert "1 was refused." in carol.get("/processes").text


def test_more_than_a_request_does_are_left_to_the_workers(papers, carol, monkeypatch):
    monkeypatch.setattr(selection, "MOST", 2)
    address = "/processes/migrate?flow=paper&version=old"
    page = carol.post(address, data={"all": "1", "_ask": "1"}).text
    assert "So many are done in the background" in page
    answer = carol.post(address, data={"all": "1", "reason": "New rules"})
    assert "/admin/operations/" in answer.location
    work_once()
    page = carol.get(answer.location).text
    assert "Move 4 processes to the flow as it is now" in page
    operation = db.session.scalars(db.select(Operation)).one()
    assert (operation.state, operation.done, operation.refused) == ("DONE", 2, 2)
    assert page.count("its flow no longer has the step “Gone”") == 2
    assert f'href="/processes/{papers[1]}/migrate"' in page
    answer = carol.post(address, data={"all": "1", "to-gone": "fresh"})
    work_once()
    assert standing(papers[0]) == [("ask", "ManualTask"), ("fresh", "ManualTask"), ("read", "ManualTask")]
    page = carol.get(answer.location).text
    assert page.count("Every open step of this process") == 2
    answer = carol.post("/processes/migrate?state=open", data={"all": "1", "to-gone": "fresh"})
    assert answer.status_code == 422, "there may be others among those that are not looked at yet"


def test_it_can_be_paused(papers, carol, monkeypatch):
    monkeypatch.setattr(selection, "MOST", 2)
    answer = carol.post("/processes/migrate?flow=paper", data={"all": "1", "to-gone": "fresh"})
    carol.post(f"{answer.location}/pause", data={})
    work_once()
    assert standing(papers[0]) == BEFORE
    carol.post(f"{answer.location}/resume", data={})
    work_once()
    assert ("fresh", "ManualTask") in standing(papers[0])


@pytest.mark.slow
def test_a_death_at_any_statement_moves_none_twice_and_loses_none(flows):
    def move():
        ids = write_papers(flows, 1)
        scope = operations.Scope("ids", ids, given={"gone": "fresh"})
        operations.begin(db.session(), None, "migrate", "process", scope, total=1)
        return ids[0]

    def whole(number):
        operation = db.session.scalars(db.select(Operation).order_by(Operation.id.desc()).limit(1)).one()
        assert (operation.state, operation.done, operation.refused) == ("DONE", 1, 0), death
        assert standing(number) == [("ask", "ManualTask"), ("fresh", "ManualTask"), ("read", "ManualTask")]
        made = db.session.scalars(db.select(Task.flow_task).where(Task.process_id == number)).all()
        assert sorted(made) == ["ask", "ask", "fresh", "gone", "read", "split", "start"], death
        assert faults(db.session()) == [], death

    death: dict[str, int] = {}
    number = move()
    with cutting() as sent:
        work_once()
    whole(number)
    deaths = [{"before": place} for place in range(1, len(sent) + 1)]
    deaths += [{"after_commit": place} for place in range(1, sent.count("COMMIT") + 1)]
    for death in deaths:
        number = move()
        with cutting(**death):
            work_once()
        # the lease of the worker that is gone ends
        db.session.execute(db.update(Operation).values(scheduled=dt.datetime(2000, 1, 1, tzinfo=dt.UTC)))
        db.session.commit()
        work_once()
        whole(number)
