"""Pattern 35: Cancelling Partial Join for Multiple Instances."""

from portal import flow, this


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
