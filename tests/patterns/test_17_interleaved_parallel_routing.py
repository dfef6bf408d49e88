"""Pattern 17: Interleaved Parallel Routing."""

import pytest

from portal import flow, this
from portal.errors import TransitionNotAllowed


class InterleavedParallelFlow(flow.Flow):
    """Interleaved parallel routing

    Steps with a partial order, one at a time: parallel branches whose tasks share a `.Mutex`. The X-ray comes after the
    blood test; the heart may be looked at before, between or after."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.blood).Next(this.heart)
    blood = flow.ManualTask().Mutex("patient").Next(this.x_ray)
    x_ray = flow.ManualTask().Mutex("patient").Next(this.ready)
    heart = flow.ManualTask().Mutex("patient").Next(this.ready)
    ready = flow.Join().Next(this.end)
    end = flow.End()


def test_17_interleaved_parallel_routing(flow_tester):
    for order in (["heart", "blood", "x_ray"], ["blood", "heart", "x_ray"], ["blood", "x_ray", "heart"]):
        run = flow_tester(InterleavedParallelFlow)
        run.start("start")
        for name in order:
            run.task(name).assign("alice")
            for other in {"blood", "heart", "x_ray"} - {name}:
                for task in run.tasks(other):
                    if task.is_open:
                        with pytest.raises(TransitionNotAllowed, match=f"«{run.task(name).title}»"):
                            task.assign("bob")
            assert run.tasks("x_ray") == [] or "blood" in run.path
            run.task(name).execute()
        assert run.path == ["start", "split", *order, "ready", "end"]
        assert run.process.status == "DONE"
