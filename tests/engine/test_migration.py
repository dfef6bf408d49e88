"""A flow that has changed while its processes ran."""

import datetime as dt

import pytest

from portal import flow, this
from portal.engine import migration
from portal.errors import PortalError
from portal.models import db


def before():
    class ChangeFlow(flow.Flow):
        start = flow.StartHandle().Next(this.look)
        look = flow.View(lambda a: a.execute()).Permission(auto_create=True).Next(this.end)
        end = flow.End()

    return ChangeFlow


def after():
    class ChangeFlow(flow.Flow):
        start = flow.StartHandle().Next(this.inspect)
        inspect = flow.View(lambda a: a.execute()).Permission(auto_create=True).Next(this.end)
        end = flow.End()

    return ChangeFlow


@pytest.fixture
def run(flow_tester):
    """A process that waits at a node which the code no longer has."""
    run = flow_tester(before())
    run.start("start")
    run.task("look").assign("alice")
    run.flow_class = after()
    flow_tester(run.flow_class)
    return run


def test_a_task_of_a_lost_node_stays_visible_and_can_be_cancelled(run):
    task = run.task("look").task
    assert (task.node, task.title, task.status) == (None, "Look", "ASSIGNED")
    run.task("look").cancel()
    assert run.tasks("look")[0].status == "CANCELED"


def test_check_names_what_no_longer_fits(run):
    (misfit,) = migration.misfits(db.session())
    assert "the node `look` is gone" in str(misfit)


def test_a_dry_run_changes_nothing(run):
    lines = migration.move(db.session(), run.flow_class, {"look": "inspect"}, dry_run=True)
    assert len(lines) == 1
    assert run.task("look").status == "ASSIGNED"


def test_tasks_move_with_their_owner(run):
    migration.move(db.session(), run.flow_class, {"look": "inspect"})
    assert run.task("inspect").owner.username == "alice"
    assert migration.misfits(db.session()) == []
    run.task("inspect").execute()
    assert run.process.status == "DONE"


def test_only_the_named_processes_move(run):
    assert migration.move(db.session(), run.flow_class, {"look": "inspect"}, processes=[999]) == []


def test_only_what_one_declaration_made_moves(run):
    now = run.flow_class._definition.fingerprint
    assert migration.move(db.session(), run.flow_class, {"look": "inspect"}, fingerprint=now) == []
    (misfit,) = migration.misfits(db.session())
    assert misfit.fingerprint in str(misfit)
    names = {"look": "inspect"}
    assert len(migration.move(db.session(), run.flow_class, names, fingerprint=misfit.fingerprint)) == 1


@pytest.mark.parametrize(("hours", "moved"), [(-1, 0), (1, 1)])
def test_only_older_processes_move(run, hours, moved):
    moment = run.process.created + dt.timedelta(hours=hours)
    lines = migration.move(db.session(), run.flow_class, {"look": "inspect"}, created_before=moment)
    assert len(lines) == moved


def test_the_command_reports_and_filters(run, flow_tester):
    runner = flow_tester.app.test_cli_runner()
    checked = runner.invoke(args=["flows", "check"])
    assert checked.exit_code == 1
    assert f"process {run.process.id} (change), task 2" in checked.output

    migrate = ["flows", "migrate", "change", "--map", "look=inspect"]
    assert runner.invoke(args=[*migrate, "--created-before", "2020-01-01"]).output == "0 tasks moved.\n"
    dry = runner.invoke(args=[*migrate, "--process", str(run.process.id), "--dry-run"])
    assert dry.output == f"process {run.process.id}, task 2: look -> inspect\n1 tasks would move.\n"
    made = run.task("look").fingerprint
    assert "1 tasks moved." in runner.invoke(args=[*migrate, "--fingerprint", made]).output
    assert runner.invoke(args=["flows", "check"]).exit_code == 0


def test_a_new_name_must_be_a_node(run):
    with pytest.raises(PortalError, match="there are: start, inspect, end"):
        migration.move(db.session(), run.flow_class, {"look": "nowhere"})


def test_a_task_keeps_the_fingerprint_of_its_declaration(run):
    assert run.task("look").fingerprint == before()._definition.fingerprint
    assert before()._definition.fingerprint != after()._definition.fingerprint
