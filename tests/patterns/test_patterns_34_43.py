"""Patterns 34 to 43: partial joins of instances, synchronizing merges, turns, threads, termination."""

import pytest

from portal import act, flow, this
from portal.errors import TransitionNotAllowed


class StaticPartialJoinFlow(flow.Flow):
    """Static partial join for multiple instances

    A set number of the instances lets the path go on; the others finish their work, and nothing starts twice."""

    start = flow.StartHandle().Next(this.jury)
    jury = flow.Split().Next(this.vote, task_data_source=lambda activation: [{}] * 4)
    vote = flow.ManualTask().Next(this.majority)
    majority = flow.Join(count=3, cancel_active=False).Next(this.announce)
    announce = flow.Handle().Next(this.end)
    end = flow.End()


def test_34_static_partial_join_for_multiple_instances(flow_tester):
    run = flow_tester(StaticPartialJoinFlow)
    run.start("start")
    for task in run.tasks("vote")[:3]:
        assert run.tasks("announce") == []
        task.assign("alice").execute()
    run.handle("announce")
    assert run.process.status == "NEW"
    run.task("vote").assign("alice").execute()
    assert run.path == ["start", "jury", *["vote"] * 3, "majority", "announce", "end", "vote"]
    assert run.process.status == "DONE"


class CancellingInstancesJoinFlow(flow.Flow):
    """Cancelling partial join for multiple instances

    A set number of the instances lets the path go on, and the others are cancelled."""

    start = flow.StartHandle().Next(this.labs)
    labs = flow.Split().Next(this.test, task_data_source=lambda activation: [{}] * 4)
    test = flow.ManualTask().Next(this.two)
    two = flow.Join(count=2).Next(this.report)
    report = flow.Handle().Next(this.end)
    end = flow.End()


def test_35_cancelling_partial_join_for_multiple_instances(flow_tester):
    run = flow_tester(CancellingInstancesJoinFlow)
    run.start("start")
    for task in run.tasks("test")[:2]:
        task.assign("alice").execute()
    assert [task.status for task in run.tasks("test")] == ["DONE", "DONE", "CANCELED", "CANCELED"]
    run.handle("report")
    assert run.path == ["start", "labs", "test", "test", "two", "report", "end"]
    assert run.process.status == "DONE"


class DynamicPartialJoinFlow(flow.Flow):
    """Dynamic partial join for multiple instances

    Instances are added while others run, and a condition that is asked at each arrival says when enough are in. From
    then on none is added: `CancelRegion` ends the asking. Those that are open finish, and nothing starts twice."""

    start = flow.StartHandle(this.need).Next(this.begin)
    begin = flow.Split().Next(this.sensor, task_data_source=lambda activation: [{}] * 2).Next(this.add)
    add = flow.Handle().Next(this.one_more)
    one_more = flow.Split().Next(this.sensor).Next(this.add)
    sensor = flow.ManualTask().Next(this.enough)
    enough = flow.Join(continue_on_condition=this.is_enough, cancel_active=False).Next(this.no_more)
    no_more = flow.CancelRegion(this.add).Next(this.average)
    average = flow.Handle().Next(this.end)
    end = flow.End()

    def need(self, activation, wanted):
        activation.process.data["wanted"] = wanted

    def is_enough(self, activation, active_tasks):
        return len(activation.task.previous) >= activation.process.data["wanted"]


def test_36_dynamic_partial_join_for_multiple_instances(flow_tester):
    run = flow_tester(DynamicPartialJoinFlow)
    run.start("start", wanted=3)
    run.handle("add")
    run.handle("add")
    sensors = run.tasks("sensor")
    assert len(sensors) == 4
    for task in sensors[1:]:
        assert run.tasks("average") == []
        task.assign("alice").execute()
    with pytest.raises(TransitionNotAllowed):
        run.handle("add")
    run.handle("average")
    run.task("sensor").assign("alice").execute()
    added = ["add", "one_more", "add", "one_more"]
    first = ["start", "begin", *added, *["sensor"] * 3]
    assert run.path == [*first, "enough", "no_more", "average", "end", "sensor"]
    assert run.process.status == "DONE"


class LocalMergeFlow(flow.Flow):
    """Acyclic synchronizing merge

    The merge knows from the tokens how many branches it has to wait for, also where choices nest without a join of
    their own. Here two multi-choices meet in one join."""

    start = flow.StartHandle(this.take).Next(this.outer)
    outer = flow.Split().Next(this.engine, case=act.process.data["engine"]).Next(this.inner)
    inner = (
        flow.Split()
        .Next(this.doors, case=act.process.data["doors"])
        .Next(this.glass, case=act.process.data["glass"])
        .Always(this.wash)
    )
    engine = flow.Handle().Next(this.ready)
    doors = flow.Handle().Next(this.ready)
    glass = flow.Handle().Next(this.ready)
    wash = flow.Handle().Next(this.ready)
    ready = flow.Join().Next(this.hand_over)
    hand_over = flow.Handle().Next(this.end)
    end = flow.End()

    def take(self, activation, parts):
        activation.process.data.update({name: name in parts for name in ("engine", "doors", "glass")})


def test_37_acyclic_synchronizing_merge(flow_tester):
    for parts in ([], ["engine"], ["glass", "engine"], ["doors", "glass", "engine"]):
        run = flow_tester(LocalMergeFlow)
        run.start("start", parts=parts)
        for name in ("wash", *parts):
            assert run.tasks("hand_over") == []
            run.handle(name)
        run.handle("hand_over")
        assert run.path == ["start", "outer", "inner", "wash", *parts, "ready", "hand_over", "end"]


class GeneralMergeFlow(flow.Flow):
    """General synchronizing merge

    The merge waits exactly as long as a branch can still come to it, also where a branch goes round in a loop or ends
    elsewhere. The join looks at the graph, and again whenever a token has moved."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.invoice).Next(this.offer)
    invoice = flow.Handle().Next(this.merge)
    offer = flow.Handle(lambda activation, answer: activation.process.data.update(answer=answer)).Next(
        this.answer
    )
    answer = (
        flow.Switch()
        .Case(this.offer, act.process.data["answer"] == "later")
        .Case(this.merge, act.process.data["answer"] == "yes")
        .Default(this.no_deal)
    )
    no_deal = flow.End()
    merge = flow.Join().Next(this.pay)
    pay = flow.Handle().Next(this.end)
    end = flow.End()


def test_38_general_synchronizing_merge(flow_tester):
    for last, way in (("yes", []), ("no", ["no_deal"])):
        run = flow_tester(GeneralMergeFlow)
        run.start("start")
        run.handle("invoice")
        run.handle("offer", answer="later")
        assert run.task("merge").status == "STARTED"
        run.handle("offer", answer=last)
        run.handle("pay")
        rounds = ["offer", "answer", "offer", "answer"]
        assert run.path == ["start", "split", "invoice", *rounds, *way, "merge", "pay", "end"]
        assert run.process.status == "DONE"


class CashFlow(flow.Flow):
    """At the till"""

    start = flow.StartHandle().Next(this.count)
    count = flow.Handle().Next(this.lock_up)
    lock_up = flow.Handle().Next(this.end)
    end = flow.End()


class CriticalSectionFlow(flow.Flow):
    """Critical section

    Several parts of a process, each of many steps, of which only one runs at a time: once begun it ends before another
    begins. Each part is a `Subprocess`, and they share a `.Mutex`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.deposit).Next(this.payout)
    deposit = flow.Subprocess(CashFlow.start).Mutex("till").Next(this.both)
    payout = flow.Subprocess(CashFlow.start).Mutex("till").Next(this.both)
    both = flow.Join().Next(this.end)
    end = flow.End()


def test_39_critical_section(flow_tester):
    flow_tester(CashFlow)
    run = flow_tester(CriticalSectionFlow)
    run.start("start")
    for part in ("deposit", "payout"):
        (child,) = run.children(part)
        child.handle("count")
        assert len(run.children("deposit")) + len(run.children("payout")) == (1 if part == "deposit" else 2)
        child.handle("lock_up")
    assert run.path == ["start", "split", "deposit", "payout", "both", "end"]
    assert run.process.status == "DONE"


class InterleavedRoutingFlow(flow.Flow):
    """Interleaved routing

    Each of several tasks is done once, in any order, never two at a time: parallel branches that share a `.Mutex`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.oil).Next(this.brakes).Next(this.lights)
    oil = flow.ManualTask().Mutex("car").Next(this.done)
    brakes = flow.ManualTask().Mutex("car").Next(this.done)
    lights = flow.ManualTask().Mutex("car").Next(this.done)
    done = flow.Join().Next(this.end)
    end = flow.End()


def test_40_interleaved_routing(flow_tester):
    for order in (["oil", "brakes", "lights"], ["lights", "oil", "brakes"]):
        run = flow_tester(InterleavedRoutingFlow)
        run.start("start")
        for number, name in enumerate(order):
            run.task(name).assign("alice")
            for other in order[number + 1 :]:
                with pytest.raises(TransitionNotAllowed, match="only one may be"):
                    run.task(other).assign("bob")
            run.task(name).execute()
        assert run.path == ["start", "split", *order, "done", "end"]


class ThreadMergeFlow(flow.Flow):
    """Thread merge

    A number of threads on one branch become one: a `Join` with that count behind the step where they run."""

    start = flow.StartHandle().Next(this.threads)
    threads = flow.Split().Next(this.check, task_data_source=lambda activation: [{}] * 3)
    check = flow.Handle().Next(this.merge)
    merge = flow.Join(count=3).Next(this.register)
    register = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()


def test_41_thread_merge(flow_tester):
    run = flow_tester(ThreadMergeFlow)
    run.start("start")
    for task in run.tasks("check"):
        assert run.path.count("merge") == 0
        ThreadMergeFlow.check.run(task=task.id)
    assert run.path == ["start", "threads", *["check"] * 3, "merge", "register", "end"]


class ThreadSplitFlow(flow.Flow):
    """Thread split

    One thread becomes a number of threads on the same branch: a `Split` with one way out and a data source. What
    follows runs once for each of them."""

    start = flow.StartHandle().Next(this.threads)
    threads = flow.Split().Next(this.print_page, task_data_source=this.pages)
    print_page = flow.Handle().Next(this.staple)
    staple = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()

    def pages(self, activation):
        return [{"page": number} for number in (1, 2, 3)]


def test_42_thread_split(flow_tester):
    run = flow_tester(ThreadSplitFlow)
    run.start("start")
    threads = run.tasks("print_page")
    assert [task.token for task in threads] == ["start/2_1", "start/2_2", "start/2_3"]
    for task in threads:
        ThreadSplitFlow.print_page.run(task=task.id)
    assert run.path == ["start", "threads", *["print_page", "staple", "end"] * 3]
    assert run.process.status == "DONE"


class ExplicitTerminationFlow(flow.Flow):
    """Explicit termination

    The process ends when a certain node is reached, and what is open is cancelled: `TerminateEnd`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.search).Next(this.found)
    search = flow.ManualTask().Next(this.end)
    found = flow.Handle().Next(this.stop)
    stop = flow.TerminateEnd()
    end = flow.End()


def test_43_explicit_termination(flow_tester):
    run = flow_tester(ExplicitTerminationFlow)
    run.start("start")
    run.handle("found")
    assert run.tasks("search")[0].status == "CANCELED"
    assert run.path == ["start", "split", "found", "stop"]
    assert run.process.status == "DONE"
