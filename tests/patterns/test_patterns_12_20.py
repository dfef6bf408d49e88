"""Patterns 12 to 20: several instances, states, cancellation."""

import pytest

from portal import act, flow, this
from portal.errors import TransitionNotAllowed


class WithoutSynchronizationFlow(flow.Flow):
    """Multiple instances without synchronization

    Several instances of a step begin, and nobody waits for them: a branch with a data source that leads to no join."""

    start = flow.StartHandle(this.take).Next(this.fines)
    fines = flow.Split().Next(this.fine, task_data_source=this.offences).Next(this.close)
    fine = flow.Handle().Next(this.end)
    close = flow.Handle().Next(this.end)
    end = flow.End()

    def take(self, activation, offences):
        activation.process.data["offences"] = offences

    def offences(self, activation):
        return [{"offence": name} for name in activation.process.data["offences"]]


def test_12_multiple_instances_without_synchronization(flow_tester):
    run = flow_tester(WithoutSynchronizationFlow)
    run.start("start", offences=["speed", "light"])
    run.handle("close")
    assert [task.data["offence"] for task in run.tasks("fine")] == ["speed", "light"]
    for task in run.tasks("fine"):
        WithoutSynchronizationFlow.fine.run(task=task.id)
    assert run.path == ["start", "fines", "close", "end", "fine", "end", "fine", "end"]
    assert run.process.status == "DONE"


class DesignTimeFlow(flow.Flow):
    """Multiple instances with a priori design-time knowledge

    The number of instances stands in the flow. The data source is a constant, and a join waits for all."""

    start = flow.StartHandle().Next(this.directors)
    directors = flow.Split().Next(this.sign, task_data_source=lambda activation: [{}] * 3)
    sign = flow.ManualTask().Next(this.all_signed)
    all_signed = flow.Join().Next(this.end)
    end = flow.End()


def test_13_multiple_instances_known_at_design_time(flow_tester):
    run = flow_tester(DesignTimeFlow)
    run.start("start")
    for task in run.tasks("sign"):
        assert run.process.status == "NEW"
        task.assign("alice").execute()
    assert run.path == ["start", "directors", "sign", "sign", "sign", "all_signed", "end"]


class RunTimeFlow(flow.Flow):
    """Multiple instances with a priori run-time knowledge

    The number is known when the instances begin: the data source reads it from the process."""

    start = flow.StartHandle(this.take).Next(this.each)
    each = flow.Split().Next(this.review, task_data_source=this.authors)
    review = flow.ManualTask().Next(this.all_in)
    all_in = flow.Join().Next(this.end)
    end = flow.End()

    def take(self, activation, authors):
        activation.process.data["authors"] = authors

    def authors(self, activation):
        return [{"author": name} for name in activation.process.data["authors"]]


def test_14_multiple_instances_known_at_run_time(flow_tester):
    for count in (1, 4):
        run = flow_tester(RunTimeFlow)
        run.start("start", authors=[f"author {i}" for i in range(count)])
        for task in reversed(run.tasks("review")):
            task.assign("alice").execute()
        assert run.path == ["start", "each", *["review"] * count, "all_in", "end"]


class CrateFlow(flow.Flow):
    """Crate"""

    start = flow.StartHandle().Next(this.unload)
    unload = flow.Handle().Next(this.end)
    end = flow.End()


class NotKnownFlow(flow.Flow):
    """Multiple instances without a priori run-time knowledge

    Instances are added while others run. An `NSubprocess` asks for its items again whenever a child is over."""

    start = flow.StartHandle(this.take).Next(this.crates)
    crates = flow.NSubprocess(CrateFlow.start, act.process.data["crates"]).Next(this.leave)
    leave = flow.Handle().Next(this.end)
    end = flow.End()

    def take(self, activation, crates):
        activation.process.data["crates"] = crates


def test_15_multiple_instances_not_known(flow_tester):
    flow_tester(CrateFlow)
    run = flow_tester(NotKnownFlow)
    run.start("start", crates=["oranges", "rice"])
    with run.task("crates").task.activation() as activation:
        activation.process.data["crates"].append("tea")
    run.children("crates")[0].handle("unload")
    assert [child.process.data["item"] for child in run.children("crates")] == ["oranges", "rice", "tea"]
    for child in run.children("crates")[1:]:
        assert run.tasks("leave") == []
        child.handle("unload")
    run.handle("leave")
    assert run.path == ["start", "crates", "leave", "end"]


class DeferredChoiceFlow(flow.Flow):
    """Deferred choice

    The first event decides which branch is taken, and the others are withdrawn: `SplitFirst`."""

    start = flow.StartHandle().Next(this.what)
    what = flow.SplitFirst().Next(this.reply).Next(this.cancel_order)
    reply = flow.MessageCatch().Next(this.end)
    cancel_order = flow.MessageCatch().Next(this.refund)
    refund = flow.Handle().Next(this.end)
    end = flow.End()


def test_16_deferred_choice(flow_tester):
    run = flow_tester(DeferredChoiceFlow)
    run.start("start")
    assert run.task("reply").status == run.task("cancel_order").status == "STARTED"
    run.handle("cancel_order")
    assert run.tasks("reply")[0].status == "CANCELED"
    run.handle("refund")
    assert run.path == ["start", "cancel_order", "what", "refund", "end"]


class InterleavedParallelFlow(flow.Flow):
    """Interleaved parallel routing

    Steps with a partial order, one at a time: parallel branches whose tasks share a `.Mutex`. The X-ray comes after the
    blood test; the heart may be looked at before, between or after."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.blood).Next(this.heart)
    blood = flow.ManualTask().Mutex("patient").Next(this.x_ray)
    x_ray = flow.ManualTask().Mutex("patient").Next(this.ready)
    heart = flow.ManualTask().Mutex("patient").Next(this.ready)
    ready = flow.Join().Next(this.end)
    end = flow.End()


def test_17_interleaved_parallel_routing(flow_tester):
    run = flow_tester(InterleavedParallelFlow)
    run.start("start")
    run.task("blood").assign("alice")
    with pytest.raises(TransitionNotAllowed, match="«Blood»"):
        run.task("heart").assign("bob")
    run.task("blood").execute()
    run.task("heart").assign("bob")
    with pytest.raises(TransitionNotAllowed, match="«Heart»"):
        run.task("x_ray").assign("alice")
    run.task("heart").execute()
    run.task("x_ray").assign("alice").execute()
    assert run.path == ["start", "split", "blood", "heart", "x_ray", "ready", "end"]


class MilestoneFlow(flow.Flow):
    """Milestone

    A step can be done only while the process is at a certain place: here, from the ticket's issue until the gate
    closes. `.Milestone` is asked when the task is assigned and when it is executed."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.issue).Next(this.change_seat)
    issue = flow.Handle(lambda activation: activation.process.data.update(at_gate=True)).Next(this.close_gate)
    close_gate = flow.Handle(lambda activation: activation.process.data.update(at_gate=False)).Next(this.fly)
    change_seat = flow.ManualTask().Milestone(this.is_at_gate).Next(this.fly)
    fly = flow.Join().Next(this.end)
    end = flow.End()

    def is_at_gate(self, activation):
        return activation.process.data.get("at_gate", False)


def test_18_milestone(flow_tester):
    early, late = flow_tester(MilestoneFlow), flow_tester(MilestoneFlow)
    for run in (early, late):
        run.start("start")
        with pytest.raises(TransitionNotAllowed, match="milestone"):
            run.task("change_seat").assign("alice")
        run.handle("issue")
    early.task("change_seat").assign("alice").execute()
    early.handle("close_gate")
    assert early.path == ["start", "split", "issue", "change_seat", "close_gate", "fly", "end"]
    late.task("change_seat").assign("alice")
    late.handle("close_gate")
    with pytest.raises(TransitionNotAllowed, match="milestone"):
        late.task("change_seat").execute()
    late.task("change_seat").cancel()
    assert late.path == ["start", "split", "issue", "close_gate", "fly", "end"]


class CancelTaskFlow(flow.Flow):
    """Cancel task

    A task that has begun is withdrawn, and the process goes on without it. A manager cancels any open task; the flow
    itself does it with a deadline, or with `CancelRegion`. The join no longer waits for it."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.assess).Next(this.photograph)
    assess = flow.ManualTask().Next(this.join)
    photograph = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


def test_19_cancel_task(flow_tester):
    run = flow_tester(CancelTaskFlow)
    run.start("start")
    run.task("assess").assign("alice").execute()
    run.task("photograph").assign("bob")
    run.task("photograph").cancel(user="carol")
    assert run.tasks("photograph")[0].status == "CANCELED"
    assert run.path == ["start", "split", "assess", "join", "end"]
    assert run.process.status == "DONE"


class CreditCheckFlow(flow.Flow):
    """Credit check"""

    start = flow.StartHandle().Next(this.ask)
    ask = flow.Handle().Next(this.end)
    end = flow.End()


class CancelCaseFlow(flow.Flow):
    """Cancel case

    The whole process is withdrawn, with everything open in it and below it: `process.cancel()`, or a manager's
    button."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.check).Next(this.below)
    check = flow.ManualTask().Next(this.end)
    below = flow.Subprocess(CreditCheckFlow.start).Next(this.end)
    end = flow.End()


def test_20_cancel_case(flow_tester):
    flow_tester(CreditCheckFlow)
    run = flow_tester(CancelCaseFlow)
    run.start("start")
    run.process.cancel()
    assert run.process.status == "CANCELED"
    assert run.tasks("check")[0].status == run.tasks("below")[0].status == "CANCELED"
    assert run.children("below")[0].process.status == "CANCELED"
    assert run.path == ["start", "split"]
