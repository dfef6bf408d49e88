"""A flow that changes while a process of it runs."""

from __future__ import annotations

from typing import Any

from portal import flow, this
from portal.engine.versions import migration
from portal.models import db
from tests.audit import faults


def declared(name: str = "ChangeFlow", **nodes: Any) -> Any:
    """A flow whose start leads to `look`, unless it says otherwise."""
    body = {"start": flow.StartHandle().Next(this.look), "end": flow.End(), **nodes}
    return type(flow.Flow)(name, (flow.Flow,), body)


def step(to: Any = this.end) -> Any:
    return flow.ManualTask().Next(to)


def renamed(node: Any) -> dict[str, Any]:
    """The nodes of a flow in which another one stands in the place of `look`."""
    return {"start": flow.StartHandle().Next(this.inspect), "inspect": node}


def started(tester: Any, **nodes: Any) -> Any:
    """A process that has come to its first waits."""
    run = tester(declared(**nodes))
    run.start("start")
    return run


def change(run: Any, **nodes: Any) -> None:
    """Put the next version of the flow into service."""
    run.flow_class = declared(**nodes)
    run._tester(run.flow_class)


def move(run: Any, **names: str) -> list[str]:
    """What the operator reads, after a look at the books."""
    moved = [str(each) for each in migration.move(db.session(), run.flow_class, names)]
    assert faults(db.session()) == []
    return moved
