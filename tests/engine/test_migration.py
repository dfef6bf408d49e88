"""A flow that has changed while its processes ran."""

import datetime as dt

import pytest

from portal import flow, this
from portal.engine.versions import incompatible, migration
from portal.errors import PortalError
from portal.models import db
from tests.engine.changing import change, declared, renamed, started, step
from tests.engine.changing import move as moved

DAY = dt.timedelta(days=1)


def move(*args, **kwargs):
    """What the operator reads."""
    return [str(each) for each in migration.move(db.session(), *args, **kwargs)]


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
    (misfit,) = incompatible.find(db.session())
    assert "the node `look` is gone" in str(misfit)


def test_a_dry_run_changes_nothing(run):
    lines = move(run.flow_class, {"look": "inspect"}, dry_run=True)
    assert len(lines) == 1
    assert run.task("look").status == "ASSIGNED"


def test_tasks_move_with_their_owner(run):
    move(run.flow_class, {"look": "inspect"})
    assert run.task("inspect").owner.username == "alice"
    assert incompatible.find(db.session()) == []
    run.task("inspect").execute()
    assert run.process.status == "DONE"


def test_only_the_named_processes_move(run):
    assert move(run.flow_class, {"look": "inspect"}, processes=[999]) == []


def test_only_what_one_declaration_made_moves(run):
    now = run.flow_class.definition.fingerprint
    assert move(run.flow_class, {"look": "inspect"}, fingerprint=now) == []
    (misfit,) = incompatible.find(db.session())
    assert misfit.fingerprint in str(misfit)
    names = {"look": "inspect"}
    assert len(move(run.flow_class, names, fingerprint=misfit.fingerprint)) == 1


@pytest.mark.parametrize(("hours", "moved"), [(-1, 0), (1, 1)])
def test_only_older_processes_move(run, hours, moved):
    moment = run.process.created + dt.timedelta(hours=hours)
    lines = move(run.flow_class, {"look": "inspect"}, created_before=moment)
    assert len(lines) == moved


def test_the_command_reports_and_filters(run, flow_tester):
    runner = flow_tester.app.test_cli_runner()
    checked = runner.invoke(args=["flows", "check"])
    assert checked.exit_code == 1
    assert f"process {run.process.id} (change), task 2" in checked.output

    migrate = ["flows", "migrate", "change", "--map", "look=inspect"]
    assert runner.invoke(args=[*migrate, "--created-before", "2020-01-01"]).output.startswith(
        "0 tasks moved.\n"
    )
    dry = runner.invoke(args=[*migrate, "--process", str(run.process.id), "--dry-run"])
    line = f"process {run.process.id}, task 2: look -> inspect (alice keeps it, without change.can_inspect)"
    assert dry.output == f"{line}\n1 task would move.\n"
    made = run.task("look").fingerprint
    assert "1 task moved." in runner.invoke(args=[*migrate, "--fingerprint", made]).output
    assert runner.invoke(args=["flows", "check"]).exit_code == 0


def test_a_new_name_must_be_a_node(run):
    with pytest.raises(PortalError, match="there are: inspect, end"):
        move(run.flow_class, {"look": "nowhere"})


def test_a_task_keeps_the_fingerprint_of_its_declaration(run):
    assert run.task("look").fingerprint == before().definition.fingerprint
    assert before().definition.fingerprint != after().definition.fingerprint


# -- to a node of another kind, and what hangs on a task ---------------------------------------------------


def nothing(activation):
    return None


def test_a_deadline_keeps_its_moment_whatever_the_renamed_node_declares(flow_tester):
    run = started(flow_tester, look=step().OnTimeout(DAY, this.end))
    change(run, **renamed(step().OnTimeout(5 * DAY, this.end)))
    assert moved(run, look="inspect") == ["process 1, task 2: look -> inspect"]
    assert run.tasks("look__timeout")[0].status == "CANCELED"
    assert run.task("inspect__timeout").status == "SCHEDULED"
    run.advance(days=2)
    assert run.path == ["start", "inspect__timeout", "end"]


def test_a_form_moves_to_code_which_runs(flow_tester):
    run = started(flow_tester, look=step())
    change(run, **renamed(flow.Function(nothing).Next(this.end)))
    moved(run, look="inspect")
    assert run.path == ["start", "inspect", "end"]


def test_what_fails_at_its_new_node_is_told(flow_tester):
    run = started(flow_tester, look=step())
    change(run, **renamed(flow.Function(lambda activation: 1 / 0).Next(this.end)))
    assert moved(run, look="inspect") == [
        "process 1, task 2: look -> inspect "
        "(it failed there, ZeroDivisionError: division by zero; mend the flow and revive it)"
    ]
    assert run.task("inspect").status == "ERROR"


def test_what_cannot_move_stays_and_keeps_nobody_waiting(flow_tester):
    first = started(flow_tester, look=step())
    second = flow_tester(first.flow_class)
    second.start("start")
    fails = flow.Function(lambda activation: 1 / (activation.process.id - first.process.id))
    change(second, propagate_errors=True, **renamed(fails.Next(this.end)))
    assert moved(second, look="inspect") == [
        "process 1, task 2: look stays: ZeroDivisionError: division by zero",
        "process 2, task 2: look -> inspect",
    ]
    assert (first.task("look").status, second.process.status) == ("NEW", "DONE")


def test_a_task_that_failed_moves_without_its_failure(flow_tester):
    run = started(flow_tester, look=flow.Function(lambda activation: 1 / 0).Next(this.end))
    change(run, **renamed(step()))
    moved(run, look="inspect")
    assert (run.task("inspect").status, run.task("inspect").data) == ("NEW", {})


def test_a_suspended_process_is_left_alone(flow_tester):
    run = started(flow_tester, look=step())
    change(run, **renamed(flow.Function(nothing).Next(this.end)))
    run.process.suspend()
    for dry_run in (True, False):
        (line,) = migration.move(db.session(), run.flow_class, {"look": "inspect"}, dry_run=dry_run)
        assert str(line) == "process 1, task 2: look stays: its process is suspended; resume it first"
    run.process.resume()
    moved(run, look="inspect")
    assert run.process.status == "DONE"


def test_a_task_that_calls_processes_leaves_them_cancelled(flow_tester):
    child = declared("ChangeChildFlow", look=step())
    flow_tester(child)
    run = started(flow_tester, look=flow.Subprocess(child.start).Next(this.end))
    (below,) = run.children("look")
    change(run, **renamed(step()))
    moved(run, look="inspect")
    assert (below.process.status, run.task("inspect").status) == ("CANCELED", "NEW")


def test_a_race_leaves_its_branches_cancelled(flow_tester):
    run = started(flow_tester, look=flow.SplitFirst().Next(this.a).Next(this.b), a=step(), b=step())
    change(run, **renamed(step()))
    moved(run, look="inspect")
    assert [run.tasks(name)[0].status for name in ("a", "b", "inspect")] == ["CANCELED", "CANCELED", "NEW"]


def test_a_signal_no_longer_reaches_what_has_moved(flow_tester):
    class CryFlow(flow.Flow):
        start = flow.StartHandle().Next(this.cry)
        cry = flow.SignalThrow("news").Next(this.end)
        end = flow.End()

    run = started(flow_tester, look=flow.SignalCatch("news").Next(this.end))
    change(run, **renamed(flow.Handle().Next(this.end)))
    moved(run, look="inspect")
    flow_tester(CryFlow).start("start")
    assert run.task("inspect").status == "STARTED"


def test_code_that_waited_for_its_turn_waits_no_more(flow_tester):
    job = flow.Job(nothing).Mutex("oven").Next(this.end)
    run = started(flow_tester, look=flow.Split().Next(this.a).Next(this.b), a=job, b=job)
    change(run, look=flow.Split().Next(this.a).Next(this.c), a=job, c=step())
    moved(run, b="c")
    run.jobs()
    run.task("c").assign("alice").execute()
    assert run.process.status == "DONE"


# -- joins ---------------------------------------------------------------------------------------------------

BRANCHES = {
    "look": flow.Split().Next(this.a).Next(this.b).Next(this.c),
    "b": step(this.join),
    "c": step(this.join),
}
JOIN = flow.Join().Next(this.end)


def test_a_task_that_moves_to_the_join_of_its_split_is_in(flow_tester):
    run = started(flow_tester, **BRANCHES, a=step(this.join), join=JOIN)
    change(run, **{**BRANCHES, "look": flow.Split().Next(this.join).Next(this.b).Next(this.c)}, join=JOIN)
    moved(run, a="join")
    for name in ("b", "c"):
        assert run.task("join").status == "STARTED"
        run.task(name).assign("alice").execute()
    assert run.path[-2:] == ["join", "end"]


@pytest.mark.parametrize("count", [None, 2])
@pytest.mark.parametrize("new", ["join", "meet"])
def test_a_join_brings_along_who_was_in(flow_tester, new, count):
    to = getattr(this, new)
    run = started(flow_tester, **BRANCHES, a=step(this.join), join=JOIN)
    run.task("a").assign("alice").execute()
    steps = {"look": BRANCHES["look"], "a": step(to), "b": step(to), "c": step(to)}
    change(run, **steps, **{new: flow.Join(count=count).Next(this.end)})
    moved(run, join=new)
    run.task("b").assign("alice").execute()
    assert run.process.status == ("NEW" if count is None else "DONE")
    if count is None:
        run.task("c").assign("alice").execute()
    assert run.path[-2:] == [new, "end"]
    assert [task.status for task in run.tasks(new)] == (["CANCELED", "DONE"] if new == "join" else ["DONE"])


def test_who_has_come_to_the_new_join_meets_who_was_in_the_old_one(flow_tester):
    run = started(flow_tester, **BRANCHES, a=step(this.join), join=JOIN)
    run.task("a").assign("alice").execute()
    change(run, look=BRANCHES["look"], **{name: step(this.meet) for name in "abc"}, meet=JOIN)
    run.task("b").assign("alice").execute()
    moved(run, join="meet")
    run.task("c").assign("alice").execute()
    assert run.path[-2:] == ["meet", "end"]
    assert len(run.tasks("meet")) == 1


# -- whose it is ---------------------------------------------------------------------------------------------


def mine(*nodes):
    return flow.ManualTask().Permission(auto_create=True).NotSameAs(*nodes)


def owned(tester, **after):
    run = started(tester, look=mine().Next(this.inspect), inspect=mine().Next(this.end))
    run.task("look").assign("alice")
    change(run, **after)
    return run


def test_what_is_only_renamed_stays_with_its_owner(flow_tester):
    run = owned(flow_tester, **renamed(mine().Next(this.end)))
    assert moved(run, look="inspect") == ["process 1, task 2: look -> inspect (alice keeps it)"]
    assert run.task("inspect").owner.username == "alice"
    assert run.task("inspect").owner.can("change.can_inspect")  # as she held what the node asked for before


def test_other_work_goes_only_to_who_may_do_it(flow_tester):
    nodes = {"look": mine().Next(this.inspect), "inspect": mine().Next(this.end)}
    run = owned(flow_tester, **nodes)
    assert moved(run, look="inspect") == [
        "process 1, task 2: look -> inspect (alice does not hold change.can_inspect: it goes to the queue)"
    ]
    assert (run.task("inspect").status, run.task("inspect").owner) == ("NEW", None)


def test_the_separation_of_duties_binds_who_has_the_task(flow_tester):
    before = {"look": mine().Next(this.second), "second": mine().Next(this.end)}
    run = started(flow_tester, **before)
    run.task("look").assign("alice").execute()
    run.task("second").assign("alice")
    change(run, look=mine().Next(this.third), third=mine(this.look).Next(this.end))
    assert moved(run, second="third") == [
        "process 1, task 3: second -> third (alice may not have it: it goes to the queue)"
    ]


def test_a_rule_of_the_new_node_comes_first(flow_tester):
    flow_tester.person("bob", [])
    run = owned(flow_tester, **renamed(flow.ManualTask().Assign(username="bob").Next(this.end)))
    assert moved(run, look="inspect") == ["process 1, task 2: look -> inspect (bob has it, by a rule)"]


# -- names ---------------------------------------------------------------------------------------------------


def test_an_event_moves_with_its_task_only(flow_tester):
    run = started(flow_tester, look=step().OnTimeout(DAY, this.end))
    with pytest.raises(
        PortalError, match="'look__timeout' is an event on a task and moves with it: map 'look'"
    ):
        move(run.flow_class, {"look__timeout": "end"})


def test_only_what_takes_back_moves_to_a_handler(flow_tester):
    run = started(flow_tester, look=step(this.go), go=flow.Function(nothing).Next(this.end))
    change(run, **renamed(step().CompensateWith(this.back)), back=flow.ManualTask())
    assert moved(run, look="back") == [
        "process 1, task 2: look stays: `back` only takes back what has been done, and leads nowhere"
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--map", "look"], "'look' is not OLD=NEW"),
        (["--map", "look=end", "--map", "look=inspect"], "look cannot move to end and to inspect"),
        (["--map", "lok=inspect"], "0 tasks moved.\nOpen tasks of change are at: look (1)"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_map(run, flow_tester, arguments, words):
    answer = flow_tester.app.test_cli_runner().invoke(args=["flows", "migrate", "change", *arguments])
    assert words in answer.output
    assert run.task("look").status == "ASSIGNED"


def test_the_command_fails_if_a_task_stays(run, flow_tester):
    run.process.suspend()
    migrate = ["flows", "migrate", "change", "--map", "look=inspect"]
    for more, words in (
        (["--dry-run"], "0 tasks would move. 1 would stay."),
        ([], "0 tasks moved. 1 stayed."),
    ):
        answer = flow_tester.app.test_cli_runner().invoke(args=[*migrate, *more])
        assert (answer.exit_code, answer.output.splitlines()[-1]) == (1, words)
