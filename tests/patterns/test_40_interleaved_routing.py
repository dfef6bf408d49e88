"""Pattern 40: Interleaved Routing."""

import pytest

from portal import flow, this
from portal.errors import TransitionNotAllowed


class InterleavedRoutingFlow(flow.Flow):
    """Interleaved routing

    Each of several tasks is done once, in any order, never two at a time: parallel branches that share a `.Mutex`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.oil).Next(this.brakes).Next(this.lights)
    oil = flow.ManualTask().Mutex("car").Next(this.done)
    brakes = flow.ManualTask().Mutex("car").Next(this.done)
    lights = flow.ManualTask().Mutex("car").Next(this.done)
    done = flow.Join().Next(this.end)
    end = flow.End()


def test_40_interleaved_routing(flow_tester):
    for order in (["oil", "brakes", "lights"], ["lights", "oil", "brakes"]):
        run = flow_tester(InterleavedRoutingFlow)
        run.start("start")
        for number, name in enumerate(order):
            run.task(name).assign("alice")
            for other in order[number + 1 :]:
                with pytest.raises(TransitionNotAllowed, match="only one may be"):
                    run.task(other).assign("bob")
            run.task(name).execute()
        assert run.path == ["start", "split", *order, "done", "end"]
        assert run.process.status == "DONE"
