"""Pattern 18: Milestone."""

import pytest

from portal import flow, this
from portal.errors import TransitionNotAllowed


class MilestoneFlow(flow.Flow):
    """Milestone

    A step can be done only while the process is at a certain place: here, from the ticket's issue until the gate
    closes. `.Milestone` is asked when the task is assigned and when it is executed."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.issue).Next(this.change_seat)
    issue = flow.Handle().Next(this.close_gate)
    close_gate = flow.Handle().Next(this.fly)
    change_seat = flow.ManualTask().Milestone(this.is_at_gate).Next(this.fly)
    fly = flow.Join().Next(this.end)
    end = flow.End()

    def is_at_gate(self, activation):
        return any(task.flow_task == "close_gate" and task.is_open for task in activation.process.tasks)


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
