"""Pattern 15: Multiple Instances without a Priori Run-Time Knowledge."""

from portal import act, flow, this


class CrateFlow(flow.Flow):
    """Crate"""

    start = flow.StartHandle().Next(this.unload)
    unload = flow.Handle().Next(this.end)
    end = flow.End()


class NotKnownFlow(flow.Flow):
    """Multiple instances without a priori run-time knowledge

    Instances are added while others run. An `NSubprocess` asks for its items again whenever a child is over."""

    start = flow.StartHandle(this.take).Next(this.crates)
    crates = flow.NSubprocess(CrateFlow.start, act.process.data["crates"]).Next(this.leave)
    leave = flow.Handle().Next(this.end)
    end = flow.End()

    def take(self, activation, crates):
        activation.process.data["crates"] = crates


def test_15_multiple_instances_not_known(flow_tester):
    flow_tester(CrateFlow)
    run = flow_tester(NotKnownFlow)
    run.start("start", crates=["oranges", "rice"])
    with run.task("crates").task.activation() as activation:
        activation.process.data["crates"].append("tea")
    run.children("crates")[0].handle("unload")
    assert [child.process.data["item"] for child in run.children("crates")] == ["oranges", "rice", "tea"]
    for child in run.children("crates")[1:]:
        assert run.tasks("leave") == []
        child.handle("unload")
    assert run.process.status == "NEW"
    run.handle("leave")
    assert run.path == ["start", "crates", "leave", "end"]
    assert run.process.status == "DONE"
