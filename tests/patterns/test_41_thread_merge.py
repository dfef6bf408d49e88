"""Pattern 41: Thread Merge."""

from portal import flow, this


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
    assert run.process.status == "DONE"
