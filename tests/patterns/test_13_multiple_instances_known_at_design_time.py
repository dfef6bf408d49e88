"""Pattern 13: Multiple Instances with a Priori Design-Time Knowledge."""

from portal import flow, this


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
    assert run.process.status == "DONE"
