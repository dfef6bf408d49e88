"""Pattern 42: Thread Split."""

from portal import flow, this


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
