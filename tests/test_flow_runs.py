"""What `flow_tester` can do beside forms: schedules, messages, signals, events, children, pages, failures, reasons."""

import datetime as dt

import pytest
from jinja2 import TemplateError

from portal import flow, jsonstore, this, views
from portal.errors import InvalidForm, TransitionNotAllowed
from portal.models import Process


class ParcelProcess(Process):
    weight = jsonstore.IntegerField("Weight")
    answer = jsonstore.StringField("Answer")


class PackFlow(flow.Flow):
    process_class = ParcelProcess
    start = flow.StartHandle().Next(this.pack)
    pack = flow.ManualTask().Next(this.end)
    end = flow.End()


class ParcelFlow(flow.Flow):
    process_class = ParcelProcess

    nightly = flow.StartTimer(cron="0 3 * * *").Next(this.split)
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.ask).Next(this.packing).Next(this.label)
    ask = (
        flow.ManualTask()
        .Permission(auto_create=True)
        .OnTimeout(dt.timedelta(days=2), this.remind, interrupting=False)
        .OnMessage("withdrawn", this.join)
        .OnSignal("strike", this.join)
        .Next(this.join)
    )
    remind = flow.Function(this.note).Next(this.join)
    packing = flow.Subprocess(PackFlow.start).Next(this.join)
    label = flow.Job(this.print_label).OnError(this.by_hand, code="OSError").Next(this.join)
    by_hand = flow.Function(this.note).Next(this.join)
    join = flow.Join().Next(this.reply)
    reply = flow.MessageCatch(this.take).Next(this.end)
    end = flow.End()

    def note(self, activation): ...

    def print_label(self, activation): ...

    def take(self, activation, answer):
        activation.process.answer = answer


@pytest.fixture
def run(flow_tester):
    run = flow_tester(ParcelFlow)
    run.start("start")
    return run


def test_a_schedule_starts_by_its_name(flow_tester):
    run = flow_tester(ParcelFlow)
    assert run.start("nightly") is run
    assert run.path[:2] == ["nightly", "split"]
    assert (run.process.created.hour, run.process.created.minute) == (3, 0)


def test_what_is_no_start_is_told(flow_tester):
    run = flow_tester(ParcelFlow)
    with pytest.raises(
        AssertionError, match="'ask' is no start of ParcelFlow; its starts are: nightly, start"
    ):
        run.start("ask")
    with pytest.raises(AssertionError, match="no node 'strat'; did you mean start"):
        run.start("strat")


@pytest.mark.parametrize("given", ["parcel", ParcelProcess])
def test_what_is_no_flow_is_told(flow_tester, given):
    with pytest.raises(TypeError, match=r"flow_tester takes a flow's class, not .*; write flow_tester"):
        flow_tester(given)


def test_a_node_that_is_not_there_is_told(run):
    with pytest.raises(AssertionError, match="ParcelFlow has no node 'aks'; did you mean ask"):
        run.task("aks")
    with pytest.raises(AssertionError, match="no open task of 'by_hand'; open are: "):
        run.task("by_hand")


def test_events_on_a_border_happen_by_their_names(run):
    run.fire("ask__timeout")
    assert "remind" in run.path
    run.fire("ask__message")
    assert run.tasks("ask")[0].status == "CANCELED"


def test_a_signal_by_its_name(run):
    run.signal("strike")
    assert run.tasks("ask")[0].status == "CANCELED"
    assert "ask__signal" in run.path


def test_a_message_by_its_name(run):
    run.jobs()
    run.task("ask").assign("bob").execute()
    run.child("packing").task("pack").assign("bob").execute()
    run.send("reply", answer="Thanks")
    assert (run.process.answer, run.process.status) == ("Thanks", "DONE")


def test_a_message_that_nobody_waits_for_is_refused(run):
    run.send("withdrawn")
    with pytest.raises(TransitionNotAllowed, match="does not wait for the message «withdrawn»"):
        run.send("withdrawn")


def test_the_child_by_its_node(run):
    child = run.child("packing")
    assert child.process.flow_class is PackFlow
    child.task("pack").assign("bob").execute()
    assert run.tasks("packing")[0].status == "DONE"
    with pytest.raises(AssertionError, match="0 open children of 'label'"):
        run.child("label")


def test_the_clock_goes_on_until_something_is_so(run):
    begun = run._tester.clock()
    run.advance(until="ask__timeout")
    passed = run._tester.clock() - begun
    assert dt.timedelta(days=2) <= passed < dt.timedelta(days=2, minutes=1)
    run.advance(until=begun + dt.timedelta(days=5))
    assert run._tester.clock() - begun >= dt.timedelta(days=5)
    run.advance(until=lambda run: "remind" in run.path)
    with pytest.raises(AssertionError, match="it is not so yet"):
        run.advance(until="reply", days=2)


def test_the_clock_stops_where_nothing_is_due_any_more(flow_tester):
    run = flow_tester(FormFlow)
    run.start("start", user="alice", weight=3)
    with pytest.raises(AssertionError, match="it is not so yet"):
        run.advance(until="end", days=2)


def test_code_fails_on_purpose(run):
    with run.fails("label", OSError("no paper")):
        run.jobs()
    assert "by_hand" in run.path
    with pytest.raises(AssertionError, match="end calls no code of yours"), run.fails("end"):
        pass


def test_a_failure_stays_one_when_nothing_catches_it(run):
    with run.fails("label"):
        run.jobs()
    assert run.failures() == [
        line for line in run.failures() if line.startswith("`label` is in ERROR: RuntimeError")
    ]
    run.task("label").revive()
    run.jobs()
    assert "label" in run.path


def test_a_program_elsewhere_writes_fields_only(flow_tester):
    class ScaleFlow(flow.Flow):
        process_class = ParcelProcess
        start = flow.StartHandle().Next(this.weigh)
        weigh = flow.ExternalTask("scale").Next(this.end)
        end = flow.End()

    run = flow_tester(ScaleFlow)
    run.start()
    with pytest.raises(InvalidForm, match=r"kilograms.*There is no such field"):
        run.external("weigh", kilograms=3)
    assert run.external("weigh", weight=3).process.weight == 3


def test_a_run_says_why_it_waits(run, capsys):
    text = run.explain()
    assert capsys.readouterr().out == f"{text}\n"
    assert text.startswith(f"process {run.process.id} of parcel is NEW; done: start, split")
    assert "ask #3 (NEW, start/2_1): nobody has it; who holds parcel.can_ask can take it" in text
    assert "ask__timeout" in text
    assert "it fires at" in text
    assert "it waits for the message “withdrawn”" in text
    assert "it waits for the signal “strike”" in text
    assert "of pack) is not over" in text or "(pack) is not over" in text
    assert "    pack #2 (NEW" in text
    assert "a worker does it" in text
    run.task("ask").assign("bob").execute()
    assert "it waits for the branches of packing #" in run.explain()
    run.child("packing").task("pack").assign("bob").execute()
    with run.fails("label"):
        run.jobs()
    assert "it has failed (RuntimeError: label fails in this test)" in run.explain()
    run.task("label").revive()
    run.jobs()
    assert f"a program has to call ParcelFlow.reply.run(process={run.process.id})" in run.explain()
    run.send("reply", answer="Thanks")
    assert run.explain().count("\n") == 0


class FormFlow(flow.Flow):
    process_class = ParcelProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["weight"])).Next(this.check)
    check = flow.View(views.UpdateProcessView.as_view(fields=["answer"])).Next(this.end)
    end = flow.End()


def test_the_real_page_is_there_to_look_at(flow_tester):
    run = flow_tester(FormFlow)
    run.start("start", user="alice", weight=3)
    with pytest.raises(AssertionError, match="assign it"):
        run.task("check").page()
    page = run.task("check").assign("bob").page()
    assert 'name="answer"' in page
    assert "Answer" in page


@pytest.fixture
def own_templates(tmp_path, monkeypatch):
    """A site with templates of its own: `own_templates("form/check.html", "…")`."""
    monkeypatch.chdir(tmp_path)

    def write(name, text):
        path = tmp_path / "templates/portal" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


@pytest.mark.parametrize("form", ["start", "check"])
def test_a_template_that_is_broken_fails_the_test(own_templates, form):
    own_templates(f"form/{form}.html", "{{ process.no_such_thing.at_all }}")
    from portal import create_app
    from portal.engine.transaction import clock
    from portal.models import db, init_db
    from portal.testing import Clock, FlowTester

    app = create_app(
        {"DATABASE_URL": "sqlite://", "TESTING": True, "WTF_CSRF_ENABLED": False, "SCHEDULER": "off"}
    )
    moved = Clock()
    token = clock.set(moved)
    try:
        with app.app_context():
            init_db()
            run = FlowTester(app, moved)(FormFlow)
            if form == "start":
                with pytest.raises(TemplateError):
                    run.start("start", user="alice", weight=3)
            else:
                run.start("start", user="alice", weight=3)
                with pytest.raises(TemplateError):
                    run.task("check").assign("bob").execute(answer="Yes")
            db.session.remove()
            app.extensions["portal_memory"].close()
            db.engine.dispose()
    finally:
        clock.reset(token)


SUITE = """
from portal import flow, this

class TwoFlow(flow.Flow):
    start = flow.StartHandle(lambda activation, short: activation.process.data.update(short=short)).Next(this.choose)
    choose = flow.If(lambda activation: activation.process.data["short"]).Then(this.end).Else(this.work)
    work = flow.ManualTask().Next(this.end)
    end = flow.End()
"""
TESTS = """
from two import TwoFlow

def test_short(flow_tester):
    flow_tester(TwoFlow).start("start", short=True)

def test_wrong(flow_tester):
    run = flow_tester(TwoFlow)
    run.start("start", short=%s)
    assert run.process.status == "DONE"
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    """Run the tests of another project, which has the plugins it needs, and none of our others."""
    monkeypatch.chdir(pytester.path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "portal.testing,xdist.plugin")
    pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = "-p no:cacheprovider"'
    )
    pytester.makepyfile(two=SUITE)
    return pytester


def test_a_test_that_fails_says_why_its_process_waits(suite):
    suite.makepyfile(test_two=TESTS % False)
    result = suite.runpytest_subprocess("-n0")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- Flows -*", "*work #3 (NEW, start): nobody has it*"])


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_the_ways_that_no_test_has_taken_are_told_and_drawn(suite, workers):
    suite.makepyfile(test_two=TESTS % True)
    result = suite.runpytest_subprocess("--flow-coverage", workers)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "two:TwoFlow*3/4*2/4",
            "  never taken: choose → work",
            "  never taken: work → end",
            "pictures: 1 in *",
        ]
    )
    picture = (suite.path / "flow-coverage/two.TwoFlow.svg").read_text("utf-8")
    assert "flow-is-passed" in picture
    assert "flow-is-ahead" in picture
