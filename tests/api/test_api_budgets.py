"""What a program does costs the database no more than what a person does, but for the token and a kept answer."""

import pytest


@pytest.fixture
def page(app, order, make_user):
    """A browser of somebody who may do everything."""
    make_user("sam", password="correct horse", is_superuser=True)
    client = app.test_client()
    client.post("/login", data={"username": "sam", "password": "correct horse"})
    return client


def test_statements_of_a_start_an_assignment_and_a_form(program, page, count, open_task):
    erin = program("erin")
    start = "/flows/order/starts/start"
    body = {"data": {"title": "x"}}
    erin.post(start, body)
    page.post("/flows/order/start/start", data={"title": "x"})
    with count() as by_page:
        page.post("/flows/order/start/start", data={"title": "x"})
    with count() as by_program:
        process_id = erin.post(start, body).json["id"]
    with count() as with_key:
        erin.post(start, body, Idempotency_Key="k")
    task_id = open_task(process_id)
    with count() as assigned:
        erin.post(f"/tasks/{task_id}/assign")
    with count() as executed:
        erin.post(f"/tasks/{task_id}/execute", {"data": {"approved": True}})
    asked = [
        sql for sql in by_program if not sql.startswith("SET LOCAL")
    ]  # on PostgreSQL, how long it may wait
    assert len(asked) <= len(by_page) + 1  # a program gets the whole process, a browser where it is
    assert len(with_key) <= len(by_program) + 5
    assert len(assigned) <= 13
    assert len(executed) <= 17
