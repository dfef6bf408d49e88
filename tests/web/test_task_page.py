"""One task: its page, its form, what is done with it."""

import datetime as dt
import re

import pytest

from portal import flow, this
from portal.engine import actions
from portal.engine.queue import jobs
from portal.models import Process, Task, db
from tests.model.shapes import RaceFlow


def process_of(process_id):
    return db.session.get_one(Process, process_id, populate_existing=True)


def test_taking_finishing_and_where_it_leads(bob, submit, open_task, status_of):
    process_id = submit("On bees")
    task_id = open_task(process_id).id
    assert "On bees" in bob.get(f"/tasks/{task_id}").text
    answer = bob.post(f"/tasks/{task_id}/assign", data={"next": f"/tasks/{task_id}/execute"})
    assert (answer.status_code, answer.location) == (303, f"/tasks/{task_id}/execute")
    form = bob.get(f"/tasks/{task_id}/execute").text
    assert "Request" in form
    assert "Alice Author" in form
    answer = bob.post(f"/tasks/{task_id}/execute", data={"accepted": "y"})
    assert (answer.status_code, answer.location) == (303, "/inbox")
    assert status_of(task_id) == "DONE"
    assert process_of(process_id).accepted is True
    assert "“Review” is done. Next: Sign." in bob.get("/inbox").text


def test_the_result_is_said_when_the_process_ends(bob, submit, take):
    task_id = take(submit())
    bob.post(f"/tasks/{task_id}/execute", data={})
    assert "The process is finished: Rejected." in bob.get("/inbox").text


def test_taking_can_be_undone_from_the_line_that_says_so(bob, submit, open_task):
    task_id = open_task(submit()).id
    bob.post(f"/tasks/{task_id}/assign", data={"next": "/queue"})
    assert f'action="/tasks/{task_id}/unassign"' in bob.get("/queue").text


def test_a_manual_task_asks_for_one_confirmation(bob, submit, take, status_of):
    process_id = submit()
    bob.post(f"/tasks/{take(process_id)}/execute", data={"accepted": "y"})
    task_id = take(process_id, node="sign")
    assert "No input needed." in bob.get(f"/tasks/{task_id}/execute").text
    assert bob.post(f"/tasks/{task_id}/execute").status_code == 303
    assert status_of(task_id) == "DONE"
    assert process_of(process_id).status == "DONE"


def test_continue_takes_the_next_task_of_the_process(bob, submit, take, open_task):
    process_id = submit()
    answer = bob.post(f"/tasks/{take(process_id)}/execute", data={"accepted": "y", "_continue": "1"})
    following = open_task(process_id, "sign")
    assert answer.location == f"/tasks/{following.id}/execute"
    assert (following.status, following.owner.username) == ("ASSIGNED", "bob")


def test_continue_goes_to_the_list_when_nothing_comes(bob, submit, take):
    answer = bob.post(f"/tasks/{take(submit())}/execute", data={"_continue": "1"})
    assert answer.location == "/inbox"


def test_who_prefers_it_goes_to_their_next_task(bob, submit, take, people):
    first, second = take(submit()), take(submit("On ants"))
    people["bob"].preferences = {"after": "next"}
    db.session.commit()
    answer = bob.post(f"/tasks/{first}/execute", data={})
    assert answer.location == f"/tasks/{second}/execute"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_task_that_is_not_taken_is_409_with_a_way_on(bob, submit, open_task, method):
    task_id = open_task(submit()).id
    answer = getattr(bob, method)(f"/tasks/{task_id}/execute")
    assert answer.status_code == 409
    assert "Take it first" in answer.text
    assert "Take and open" in answer.text


def test_someone_was_faster(bob, client_of, people, submit, take):
    task_id = take(submit())
    bob.post(f"/tasks/{task_id}/execute", data={"accepted": "y"})
    for method in ("get", "post"):
        answer = getattr(bob, method)(f"/tasks/{task_id}/execute")
        assert answer.status_code == 409
        text = re.sub(r"<[^>]+>|\s+", " ", answer.text)
        assert re.search(r"bob\s+finished\s+it", text)
        assert "<time" in answer.text
        assert f"/tasks/{task_id}" in answer.text


@pytest.mark.parametrize("method", ["get", "post"])
def test_only_the_owner_has_the_form(carol, submit, take, method, status_of):
    task_id = take(submit())
    answer = getattr(carol, method)(f"/tasks/{task_id}/execute")
    assert answer.status_code == 403
    assert f'href="/tasks/{task_id}"' in answer.text
    assert status_of(task_id) == "ASSIGNED"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("action", ["execute", "assign", "unassign", "reassign", "cancel", "undo", "revive"])
def test_who_may_not_see_a_task_gets_403_whatever_its_state(dave, submit, open_task, method, action):
    task_id = open_task(submit()).id
    assert getattr(dave, method)(f"/tasks/{task_id}/{action}").status_code == 403


@pytest.mark.parametrize("number", ["0", "-1", "999", "9" * 30, "9223372036854775808", "abc", "1%00", "٣"])
@pytest.mark.parametrize("rest", ["", "/execute", "/assign"])
def test_what_is_not_there_is_404(bob, number, rest):
    assert bob.get(f"/tasks/{number}{rest}").status_code == 404


@pytest.mark.parametrize(
    ("action", "start", "end"),
    [
        ("assign", "NEW", "ASSIGNED"),
        ("unassign", "ASSIGNED", "NEW"),
        ("cancel", "NEW", "CANCELED"),
        ("cancel", "ASSIGNED", "CANCELED"),
        ("undo", "DONE", "CANCELED"),
        ("revive", "CANCELED", "REVIVED"),
    ],
)
def test_a_get_asks_and_the_post_does(
    client_of, people, submit, take, open_task, status_of, action, start, end
):
    process_id = submit()
    task_id = open_task(process_id).id
    if start in ("ASSIGNED", "DONE"):
        take(process_id)
    if start in ("DONE", "CANCELED"):
        with actions.activation(db.session(), task_id, people["bob" if start == "DONE" else "carol"]) as a:
            a.execute() if start == "DONE" else a.cancel()
    if action == "undo":
        ending = db.session.scalars(db.select(Task).where(Task.flow_task == "end")).unique().one()
        check = db.session.scalars(db.select(Task).where(Task.flow_task == "check")).unique().one()
        for each in (ending.id, check.id):
            with actions.activation(db.session(), each, people["carol"]) as a:
                a.undo()
    erin = client_of("erin")
    page = erin.get(f"/tasks/{task_id}/{action}")
    assert page.status_code == 200
    assert f'action="/tasks/{task_id}/{action}"' in page.text
    assert status_of(task_id) == start
    answer = erin.post(f"/tasks/{task_id}/{action}")
    assert (answer.status_code, answer.location) == (303, f"/tasks/{task_id}")
    assert status_of(task_id) == end
    assert erin.get(f"/tasks/{task_id}").status_code == 200


def test_undoing_what_others_built_on_is_409(carol, bob, submit, take, status_of):
    task_id = take(submit())
    bob.post(f"/tasks/{task_id}/execute", data={})
    for method in ("get", "post"):
        assert getattr(carol, method)(f"/tasks/{task_id}/undo").status_code == 409
    assert status_of(task_id) == "DONE"


def test_handing_over(bob, people, make_user, submit, take):
    make_user("frank", "paper.can_review")
    task_id = take(submit())
    assert "frank" in bob.get(f"/tasks/{task_id}/reassign").text
    answer = bob.post(f"/tasks/{task_id}/reassign", data={"user": "frank", "next": "/inbox"})
    assert (answer.status_code, answer.location) == (303, "/inbox")
    assert db.session.get_one(Task, task_id, populate_existing=True).owner.username == "frank"
    assert bob.get(f"/tasks/{task_id}/execute").status_code == 403


@pytest.mark.parametrize("name", ["nobody", "alice", "", "a\0b", "<b>"])
def test_handing_over_to_the_wrong_person_is_422_with_what_was_typed(bob, submit, take, name):
    task_id = take(submit())
    answer = bob.post(f"/tasks/{task_id}/reassign", data={"user": name})
    assert answer.status_code == 422
    if name == "nobody":
        assert 'value="nobody"' in answer.text
    assert "<b>" not in answer.text
    assert db.session.get_one(Task, task_id, populate_existing=True).owner.username == "bob"


def test_a_manager_gives_a_task_to_somebody(carol, submit, open_task):
    task_id = open_task(submit()).id
    assert carol.post(f"/tasks/{task_id}/assign", data={"user": "bob"}).status_code == 303
    assert db.session.get_one(Task, task_id, populate_existing=True).owner.username == "bob"
    assert carol.post(f"/tasks/{open_task(submit()).id}/assign", data={"user": "alice"}).status_code == 422


@pytest.mark.parametrize(
    ("action", "code"),
    [("unassign", 303), ("reassign", 422), ("cancel", 403), ("undo", 409), ("revive", 409)],
)
def test_state_comes_before_permission(bob, submit, take, action, code):
    assert bob.post(f"/tasks/{take(submit())}/{action}").status_code == code


def test_a_bad_way_back_is_not_taken(bob, submit, open_task):
    task_id = open_task(submit()).id
    answer = bob.post(f"/tasks/{task_id}/assign", data={"next": "//evil.example"})
    assert answer.location == f"/tasks/{task_id}"


def test_a_task_of_a_suspended_process_is_409(bob, carol, submit, take):
    process_id = submit()
    task_id = take(process_id)
    assert carol.post(f"/processes/{process_id}/suspend").status_code == 303
    for method in ("get", "post"):
        assert getattr(bob, method)(f"/tasks/{task_id}/execute").status_code == 409
    assert "Suspended" in bob.get("/inbox").text


def test_the_page_of_a_task_whose_step_is_gone(carol, submit, open_task):
    task_id = open_task(submit()).id
    db.session.get_one(Task, task_id).flow_task = "old_step"
    db.session.commit()
    page = carol.get(f"/tasks/{task_id}")
    assert page.status_code == 200
    assert "Old step" in page.text
    assert "no longer has this step" in page.text
    assert carol.get(f"/tasks/{task_id}/execute").status_code == 409
    assert carol.post(f"/tasks/{task_id}/cancel").status_code == 303


def test_what_stands_in_the_way_of_a_revival_is_named_and_there_is_no_button_for_it(
    register, people, client_of
):
    register(RaceFlow)
    process = RaceFlow.start.run()
    first, second = process.tasks[2:4]
    with first.activation() as activation:
        activation.assign(people["erin"])
        activation.execute()
    erin = client_of("erin")
    page = erin.get(f"/tasks/{second.id}")
    assert page.status_code == 200
    assert f"/tasks/{second.id}/revive" not in page.text
    for method in ("get", "post"):
        answer = getattr(erin, method)(f"/tasks/{second.id}/revive")
        assert answer.status_code == 409
        assert "the race was decided: «Race» (task 2, done), «First» (task 3, done)" in answer.text


def test_a_job_between_tries_shows_its_error_its_try_and_the_next_one(app, people, client_of, register):
    def fail(activation):
        raise ValueError("out of <paper>")

    class PressFlow(flow.Flow):
        start = flow.StartHandle().Next(this.press)
        press = flow.Job(fail, retries=2, backoff=dt.timedelta(hours=1)).Next(this.end)
        end = flow.End()

    register(PressFlow)
    process = PressFlow.start.run()
    task = db.session.query(Task).filter_by(flow_task="press").one()
    jobs.perform(db.session(), jobs.claim(db.session(), task.id))
    boss = client_of("erin")
    for page in (f"/tasks/{task.id}", f"/processes/{process.id}"):
        text = " ".join(boss.get(page).text.split())
        assert "ValueError" in text
        assert "out of &lt;paper&gt;" in text
        assert "Next attempt" in text
