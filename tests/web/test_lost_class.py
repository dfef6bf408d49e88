"""A process whose class was renamed, moved or removed: it is shown, named, cancelled and moved."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from portal import flow, this
from portal.models import Process, User, db
from portal.models.pointer import class_name

OLD = "old.module:PaperProcess"


@pytest.fixture(params=["class", "class and flow"])
def lost(request, app, client_of, submit, take):
    """A process of a class that is gone, and who manages all."""
    client = client_of("erin")
    key = submit("Ants")
    take(key, "bob")
    db.session.execute(text("UPDATE portal_process SET process_type = :old"), {"old": OLD})
    db.session.commit()
    db.session.expunge_all()
    if request.param != "class":
        del app.extensions["portal_flows"]["paper"]
    return client, key


def test_it_loads_as_a_plain_process(lost):
    _, key = lost
    process = db.session.get(Process, key)
    assert type(process) is Process
    assert process.data["title"] == "Ants"
    process.data["more"] = 1
    db.session.commit()
    assert process.process_type == OLD


def test_every_page_shows_it(lost):
    client, key = lost
    process = db.session.get(Process, key)
    task = process.tasks[-1]
    pages = ["/", "/inbox", "/queue", "/archive", "/processes", "/processes?q=ants", "/flows", "/flows/paper"]
    pages += [f"/tasks/{task.id}", f"/tasks/{task.id}/execute", f"/tasks/{task.id}/cancel"]
    pages += [f"/processes/{key}{rest}" for rest in ("", "/chart.svg", "/cancel", "/suspend")]
    assert [(page, status) for page in pages if (status := client.get(page).status_code) >= 500] == []
    assert client.get(f"/processes/{key}").status_code == 200
    assert f"/processes/{key}" in client.get("/processes").text


def test_it_can_be_cancelled(lost):
    _, key = lost
    process = db.session.get(Process, key)
    process.cancel()
    assert db.session.get(Process, key).status == "CANCELED"


@pytest.mark.parametrize("name", [OLD, OLD.replace(":", ".")])
def test_it_is_named_and_moved(lost, app, paper, name):
    _, key = lost
    runner = app.test_cli_runner()
    checked = runner.invoke(args=["flows", "check"])
    assert checked.exit_code == 1
    assert f"the class {OLD} is gone: portal flows rename-class {OLD} " in checked.output
    moved = runner.invoke(args=["flows", "rename-class", name, class_name(paper.process_class)])
    assert (moved.exit_code, moved.output) == (0, "1 process moved.\n")
    db.session.expire_all()
    db.session.expunge_all()
    assert type(db.session.get(Process, key)) is paper.process_class
    assert OLD not in runner.invoke(args=["flows", "check"]).output


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("no:Such", "no:SuchEither", "no process is of the class or flow 'no:Such'"),
        (OLD, "no:Such", "the code has no process class 'no:Such'"),
    ],
)
def test_a_mistake_is_one_line(lost, app, old, new, said):
    done = app.test_cli_runner().invoke(args=["flows", "rename-class", old, new])
    assert done.exit_code == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_the_processes_of_a_flow_go_with_its_new_name(app, people, submit, open_task):
    key = submit("Ants")
    flows = app.extensions["portal_flows"]
    del flows["paper"]

    class EssayFlow(flow.Flow):
        process_class = type(db.session.get(Process, key))
        start = flow.StartHandle().Next(this.review)
        review = flow.ManualTask().Permission(auto_create=True).Next(this.end)
        end = flow.End()

    flows.register(EssayFlow)
    done = app.test_cli_runner().invoke(args=["flows", "rename-class", "paper", "essay"])
    assert (done.exit_code, done.output) == (0, "1 process moved.\n")
    db.session.expire_all()
    task = open_task(key)
    assert task.process.flow_class is EssayFlow
    assert task.owner_permission == "essay.can_review"
    bob = db.session.get(User, people["bob"].id)
    assert bob.can("essay.can_review")
    done = app.test_cli_runner().invoke(args=["flows", "rename-class", "essay", "nowhere"])
    assert done.exit_code == 1
