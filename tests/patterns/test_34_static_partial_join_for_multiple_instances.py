"""Pattern 34: Static Partial Join for Multiple Instances."""

from portal import flow, this


class StaticPartialJoinFlow(flow.Flow):
    """Static partial join for multiple instances

    A set number of the instances lets the path go on; the others finish their work, and nothing starts twice."""

    start = flow.StartHandle().Next(this.jury)
    jury = flow.Split().Next(this.vote, task_data_source=lambda activation: [{}] * 4)
    vote = flow.ManualTask().Next(this.majority)
    majority = flow.Join(count=3, cancel_active=False).Next(this.announce)
    announce = flow.Handle().Next(this.end)
    end = flow.End()


def test_34_static_partial_join_for_multiple_instances(flow_tester):
    run = flow_tester(StaticPartialJoinFlow)
    run.start("start")
    for task in run.tasks("vote")[:3]:
        assert run.tasks("announce") == []
        task.assign("alice").execute()
    run.handle("announce")
    assert run.process.status == "NEW"
    run.task("vote").assign("alice").execute()
    assert run.path == ["start", "jury", *["vote"] * 3, "majority", "announce", "end", "vote"]
    assert run.process.status == "DONE"
