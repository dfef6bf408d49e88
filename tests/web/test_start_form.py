"""Starting a process from its form."""

import pytest

from portal.models import Process, db

FORM = "/flows/paper/start/start"


def count() -> int:
    return db.session.scalar(db.select(db.func.count(Process.id)))


def test_the_list_shows_what_one_may_start(alice, dave):
    page = alice.get("/flows").text
    assert "Paper review" in page
    assert "Somebody writes" in page
    assert FORM in page
    assert "Nothing to start" in dave.get("/flows").text


def test_a_form_starts_a_process(alice):
    assert 'name="title"' in alice.get(FORM).text
    answer = alice.post(FORM, data={"title": "On bees", "pages": "3"})
    assert (answer.status_code, answer.location) == (303, "/processes/1")
    process = db.session.scalars(db.select(Process)).unique().one()
    assert (process.title, process.pages, process.created_by.username) == ("On bees", 3, "alice")
    page = alice.get("/inbox").text
    assert "“Submit” is done. Next: Review." in page
    assert '<a href="/processes/1">#1 Paper review</a>' in page


def test_an_invalid_form_keeps_what_was_typed_and_starts_nothing(alice):
    answer = alice.post(FORM, data={"title": "", "pages": "<many>"})
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert 'value="&lt;many&gt;"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'aria-describedby="title-error"' in answer.text
    assert "<title>Error:" in answer.text
    assert count() == 0


def test_only_the_forms_own_fields_are_written(alice):
    alice.post(FORM, data={"title": "On bees", "accepted": "y", "secret": "x", "status": "DONE", "id": "77"})
    process = db.session.scalars(db.select(Process)).unique().one()
    assert (process.accepted, process.secret, process.status) == (False, None, "NEW")
    assert process.id != 77


def test_a_get_stores_nothing(alice):
    alice.get(FORM)
    assert count() == 0


@pytest.mark.parametrize(
    "address",
    [
        "/flows/paper/start/review",
        "/flows/paper/start/none",
        "/flows/none/start/start",
        "/flows/paper/start/end",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_no_form_start_is_404(alice, address, method):
    assert getattr(alice, method)(address).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_lacks_the_permission_gets_403(bob, method):
    assert getattr(bob, method)(FORM, data={"title": "x"} if method == "post" else None).status_code == 403
    assert count() == 0


def test_continue_goes_on_to_the_next_task_and_takes_it(client_of, people):
    erin = client_of("erin")
    answer = erin.post(FORM, data={"title": "On bees", "_continue": "1"})
    task = db.session.scalars(db.select(Process)).unique().one().tasks[1]
    assert (answer.status_code, answer.location) == (303, f"/tasks/{task.id}/execute")
    assert (task.status, task.owner.username) == ("ASSIGNED", "erin")


def test_continue_without_a_next_task_goes_to_the_page_of_the_request(alice):
    assert alice.post(FORM, data={"title": "On bees", "_continue": "1"}).location == "/processes/1"
