"""Pattern 14: Multiple Instances with a Priori Run-Time Knowledge."""

from portal import flow, this


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
            assert run.process.status == "NEW"
            task.assign("alice").execute()
        assert run.path == ["start", "each", *["review"] * count, "all_in", "end"]
        assert run.process.status == "DONE"
