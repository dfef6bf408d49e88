"""Pattern 27: Complete Multiple Instance Task."""

from portal import flow, this


class CompleteInstancesFlow(flow.Flow):
    """Complete multiple instance task

    The instances that are still open are withdrawn, and the path goes on as if all were done. The join's condition asks
    whether `enough` was said; what is open then is cancelled."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.survey, task_data_source=lambda activation: [{}] * 3).Next(this.enough)
    survey = flow.ManualTask().Next(this.complete)
    enough = flow.Handle().Next(this.complete)
    complete = flow.Join(continue_on_condition=this.is_complete).Next(this.report)
    report = flow.Handle().Next(this.end)
    end = flow.End()

    def is_complete(self, activation, active_tasks):
        open_nodes = {task.flow_task for task in active_tasks}
        return "enough" not in open_nodes or "survey" not in open_nodes


def test_27_complete_multiple_instance_task(flow_tester):
    for answers, said in ((1, True), (3, False)):
        run = flow_tester(CompleteInstancesFlow)
        run.start("start")
        for task in run.tasks("survey")[:answers]:
            assert run.tasks("report") == []
            task.assign("alice").execute()
        if said:
            run.handle("enough")
        statuses = ["DONE"] * answers + ["CANCELED"] * (3 - answers)
        assert [task.status for task in run.tasks("survey")] == statuses
        run.handle("report")
        done = ["survey"] * answers + ["enough"] * said
        assert run.path == ["start", "split", *done, "complete", "report", "end"]
        assert run.process.status == "DONE"
