"""A step that failed is shown wherever its process, or one that called it, is listed or opened."""

from __future__ import annotations

import on_each_database
import pytest
from sqlalchemy import inspect, select

from portal import flow, this
from portal.engine import actions
from portal.models import Process, Task, User, db
from portal.queries.attention import needs_attention


class PlateFlow(flow.Flow):
    """Plates"""

    start = flow.StartHandle().Next(this.cast)
    cast = flow.Function(this.fail).Next(this.end)
    end = flow.End()

    def fail(self, activation):
        raise RuntimeError("the mould is broken")


class PrintFlow(flow.Flow):
    """Printing"""

    start = flow.StartHandle().Next(this.plates)
    plates = flow.Subprocess(PlateFlow.start).Next(this.end)
    end = flow.End()


class BookFlow(flow.Flow):
    """Books"""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.read).Next(this.print)
    read = flow.ManualTask().Permission(auto_create=True).Next(this.join)
    print = flow.Subprocess(PrintFlow.start).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


database_url = on_each_database.database_url


@pytest.fixture
def book(register, people) -> list[int]:
    """A book of alice's, the printing of it, and its plates, which failed."""
    for each in (PlateFlow, PrintFlow, BookFlow):
        register(each)
    top = BookFlow.start.run(_user=people["alice"])
    db.session.expire_all()
    return [
        top.id,
        *db.session.scalars(db.select(Process.id).where(Process.root_id == top.id).order_by(Process.id)),
    ]


@pytest.fixture
def erin(client_of):
    return client_of("erin")


def test_all_of_the_tree_is_found(erin, book, submit):
    fine = submit()
    page = erin.get("/processes?state=attention").text
    assert all(f'href="/processes/{each}"' in page for each in book)
    assert f'href="/processes/{fine}"' not in page
    assert page.count("the mould is broken") == 3


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_page_of_each_says_what_failed(erin, book, level):
    page = erin.get(f"/processes/{book[level]}").text
    assert "Needs attention" in page
    assert "Cast" in page
    assert "failed" in page.lower()
    assert "the mould is broken" in page
    assert (f"in process #{book[2]}" in page) == (level < 2)


def test_who_asked_for_it_sees_that_it_stands_still_and_no_inner_words(alice, book):
    page = alice.get("/processes?mine=1").text
    assert "“Cast” failed" in page
    assert "mould" not in page


def test_a_task_that_waits_for_it_says_so_too(erin, book):
    task = db.session.scalars(
        db.select(Task).where(Task.process_id == book[0], Task.flow_task == "print")
    ).one()
    assert "Needs attention" in erin.get(f"/tasks/{task.id}").text


@pytest.mark.parametrize(("label", "step"), [("print", "plates"), ("book", "print")])
def test_a_board_marks_the_step_that_waits_for_it(erin, book, label, step):
    page = erin.get(f"/flows/{label}").text
    column = page.partition(f'id="title-{step}"')[2].partition("</section>")[0]
    assert "1 failed" in column
    assert "Needs attention" in column
    other = page.partition('id="title-read"')[2].partition("</section>")[0]
    assert "failed" not in other


def test_what_is_over_is_not_read_to_find_what_needs_attention(book):
    """PostgreSQL is kept from reading tables as a whole, which it does where they are small."""
    query = select(Process.id).where(needs_attention())
    query = query.compile(db.engine, compile_kwargs={"literal_binds": True})
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {query}")]
        else:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    unfinished = [
        each["name"]
        for each in inspect(db.engine).get_indexes("portal_process")
        if "finished IS NULL" in str(each["dialect_options"].get(f"{db.engine.dialect.name}_where"))
    ]
    assert any(name in line for name in unfinished for line in plan), "\n".join(plan)
    assert not [
        line for line in plan if line.strip().startswith(("SCAN portal_task", "SCAN portal_process_"))
    ], plan
    assert not [
        line for line in plan if "Seq Scan on portal_task" in line or "Seq Scan on portal_process" in line
    ], plan
    assert "ix_portal_task_process_node" not in "".join(plan), (
        "the tasks that a process ever had are not read"
    )


def test_a_mended_tree_is_in_order_again(erin, book, people):
    failed = db.session.scalars(
        db.select(Task).where(Task.process_id == book[2], Task.status == "ERROR")
    ).one()
    with actions.activation(db.session(), failed.id, None) as activation:
        activation.cancel()
    page = erin.get("/processes?state=attention").text
    assert f'href="/processes/{book[0]}"' in page, "nothing is open in the plates, and they have not ended"
    actions.cancel_process(db.session(), book[0], None)
    assert f'href="/processes/{book[0]}"' not in erin.get("/processes?state=attention").text


def test_work_of_somebody_who_has_left_is_found(carol, people, submit, take):
    process_id = submit()
    take(process_id)
    assert f'href="/processes/{process_id}"' not in carol.get("/processes?state=attention").text
    db.session.get(User, people["bob"].id).is_active = False
    db.session.commit()
    for address in ("/processes?state=attention", f"/processes/{process_id}"):
        assert "is with bob, who is no longer active" in carol.get(address).text


def test_a_manager_gives_work_of_somebody_who_has_left_away_from_there(carol, alice, people, submit, take):
    process_id = submit()
    task_id = take(process_id)
    people["bob"].is_active = False
    db.session.commit()
    lever = f'<a class="btn btn-primary" href="/tasks/{task_id}/reassign'
    assert lever in carol.get(f"/processes/{process_id}").text
    assert lever not in alice.get(f"/processes/{process_id}").text
