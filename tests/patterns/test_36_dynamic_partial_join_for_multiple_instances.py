"""Pattern 36: Dynamic Partial Join for Multiple Instances."""

import pytest

from portal import flow, this
from portal.errors import TransitionNotAllowed


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
