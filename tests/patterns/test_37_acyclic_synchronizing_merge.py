"""Pattern 37: Acyclic Synchronizing Merge."""

from portal import act, flow, this


class LocalMergeFlow(flow.Flow):
    """Acyclic synchronizing merge

    The merge knows from the tokens how many branches it has to wait for, also where choices nest without a join of
    their own. Here two multi-choices meet in one join."""

    start = flow.StartHandle(this.take).Next(this.outer)
    outer = flow.Split().Next(this.engine, case=act.process.data["engine"]).Next(this.inner)
    inner = (
        flow.Split()
        .Next(this.doors, case=act.process.data["doors"])
        .Next(this.glass, case=act.process.data["glass"])
        .Always(this.wash)
    )
    engine = flow.Handle().Next(this.ready)
    doors = flow.Handle().Next(this.ready)
    glass = flow.Handle().Next(this.ready)
    wash = flow.Handle().Next(this.ready)
    ready = flow.Join().Next(this.hand_over)
    hand_over = flow.Handle().Next(this.end)
    end = flow.End()

    def take(self, activation, parts):
        activation.process.data.update({name: name in parts for name in ("engine", "doors", "glass")})


def test_37_acyclic_synchronizing_merge(flow_tester):
    for parts in ([], ["engine"], ["glass", "engine"], ["doors", "glass", "engine"]):
        run = flow_tester(LocalMergeFlow)
        run.start("start", parts=parts)
        for name in ("wash", *parts):
            assert run.tasks("hand_over") == []
            run.handle(name)
        run.handle("hand_over")
        assert run.path == ["start", "outer", "inner", "wash", *parts, "ready", "hand_over", "end"]
        assert run.process.status == "DONE"
