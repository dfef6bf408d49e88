"""Pattern 12: Multiple Instances without Synchronization."""

from portal import flow, this


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
