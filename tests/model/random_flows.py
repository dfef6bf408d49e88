"""Random flows: a flow is drawn as a tree of blocks, and a class is made of it."""

from __future__ import annotations

import datetime as dt
import types
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select

from portal import flow, this
from portal.models import Process, db


class World:
    """What the functions of the random flows look at; the machine turns the switches."""

    def __init__(self) -> None:
        self.fails = False
        self.way = True
        self.holds = False
        #: what decides about a way fails: gateways and joins
        self.breaks = False


WORLD = World()
#: a loop goes round no more when its process has so many tasks
ENOUGH = 25


class Failure(Exception):
    """A switch made a function fail."""


@dataclass(frozen=True)
class Border:
    """An event on a border: which one, and where its path goes."""

    kind: str
    to: str


@dataclass(frozen=True)
class Leaf:
    """One node. `n` chooses among the variants of its word."""

    word: str
    n: int = 0
    borders: tuple[Border, ...] = ()


@dataclass(frozen=True)
class Group:
    """Blocks in sequence, in branches or in a loop."""

    word: str
    parts: tuple[Any, ...]
    n: int = 0


ACTIVITIES = ("human", "human", "function", "function", "handle", "job")
OTHERS = (
    *("timer", "message", "catch", "throw", "condition", "escalate", "compensate", "region", "spawn", "skip"),
    *("timer", "message", "condition", "throw"),
    *("end", "terminate", "error"),
)
BORDERS = ("timeout", "timeout_beside", "error", "undo", "undo_node")
ON_CALLS = (*BORDERS, "escalation", "escalation_stop")
SPLITS = ("join", "cases", "items", "early", "late", "open", "count")


def _borders(kinds: tuple[str, ...]) -> st.SearchStrategy[tuple[Border, ...]]:
    to = st.sampled_from(("exit", "human", "end"))
    some = st.lists(st.builds(Border, st.sampled_from(kinds), to), max_size=2, unique_by=lambda b: b.kind)
    return some.map(tuple)


def blocks(calls: bool) -> st.SearchStrategy[Any]:
    """Blocks of a flow; those of a child call no processes."""
    n = st.integers(0, 3)
    leaves = st.one_of(
        st.builds(Leaf, st.sampled_from(ACTIVITIES), n, _borders(BORDERS)),
        st.builds(Leaf, st.sampled_from(ACTIVITIES), n),
        st.builds(Leaf, st.sampled_from(OTHERS), n),
    )
    if calls:
        leaves |= st.builds(Leaf, st.sampled_from(("call", "calls")), n, _borders(ON_CALLS))

    def extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(
            st.builds(Group, st.just("sequence"), parts),
            st.builds(Group, st.sampled_from(SPLITS), parts, n),
            st.builds(Group, st.sampled_from(("if", "switch", "race", "loop")), parts, n),
        )

    return st.recursive(leaves, extend, max_leaves=8)


@dataclass
class Plan:
    """A root flow and the flow that it calls."""

    root: Any
    child: Any
    built: Any = field(default=None, repr=False)


PLANS = st.builds(Plan, blocks(calls=True), blocks(calls=False))


# -- what the nodes do -----------------------------------------------------------------------------------------


def work(activation: Any, **_kwargs: Any) -> None:
    """Note in the process that this task's code ran, then fail if the switch says so."""
    key = f"did_{activation.task.number}"
    activation.process.data[key] = activation.process.data.get(key, 0) + 1
    if WORLD.fails:
        raise Failure("the switch")


def work_in_database(activation: Any, **_kwargs: Any) -> None:
    db.session().execute(select(Process.id).limit(1))
    work(activation)
    db.session().execute(select(Process.id).limit(1))


def take_back(activation: Any) -> None:
    if WORLD.fails:
        raise Failure("the switch")


def decide() -> None:
    if WORLD.breaks:
        raise Failure("the switch")


def way(_activation: Any) -> bool:
    decide()
    return WORLD.way


def again(activation: Any) -> bool:
    decide()
    return WORLD.way and activation.process.task_count < ENOUGH


def holds(_activation: Any) -> bool:
    return WORLD.holds


def two_items(_activation: Any) -> list[dict[str, int]]:
    decide()
    return [{"n": 1}, {"n": 2}]


def no_items(_activation: Any) -> list[dict[str, int]]:
    return []


def enough(_activation: Any, active: list[Any]) -> bool:
    decide()
    return len(active) < 2


class Builder:
    """Nodes of one flow class, made block by block from the end to the beginning."""

    def __init__(self, child: Any) -> None:
        self.child = child
        self.nodes: dict[str, Any] = {}

    def add(self, word: str, node: Any) -> Any:
        name = f"{word}{len(self.nodes) + 1}"
        self.nodes[name] = node
        return getattr(this, name)

    def end(self) -> Any:
        return self.add("end", flow.End())

    def build(self, block: Any, then: Any) -> Any:
        """Declare the nodes of a block that leads to `then`; where it begins is returned."""
        if isinstance(block, Leaf):
            return self.leaf(block, then)
        return getattr(self, f"group_{block.word}", self.group_split)(block, then)

    def leaf(self, leaf: Leaf, then: Any) -> Any:
        if leaf.word == "skip":
            return then
        if leaf.word == "region":
            if not self.nodes:
                return then
            region = list(self.nodes)[-1]
            return self.add("region", flow.CancelRegion(getattr(this, region)).Next(then))
        node = self.node(leaf)
        if hasattr(node, "Next"):
            node = node.Next(then)
        if leaf.n == 3 and leaf.word in (*ACTIVITIES, "call"):
            node.Mutex("key")
        for border in leaf.borders:
            self.attach(node, border, then)
        return self.add(leaf.word, node)

    def node(self, leaf: Leaf) -> Any:
        n = leaf.n
        return {
            "human": lambda: flow.ManualTask(undo_func=None if n else take_back),
            "function": lambda: flow.Function(work if n < 2 else work_in_database),
            "handle": lambda: flow.Handle(work if n else None),
            "job": lambda: flow.Job(work, retries=n % 3),
            "timer": lambda: flow.Timer(dt.timedelta(hours=n)),
            "message": lambda: flow.MessageCatch(work if n else None),
            "catch": lambda: flow.SignalCatch(f"signal{n % 2}"),
            "throw": lambda: flow.SignalThrow(f"signal{n % 2}"),
            "condition": lambda: flow.ConditionalCatch(holds),
            "escalate": lambda: flow.EscalationThrow("loud"),
            "compensate": lambda: flow.CompensateThrow(),
            "spawn": lambda: flow.Function(lambda _activation: LeafFlow.start.run()),
            "end": flow.End,
            "terminate": flow.TerminateEnd,
            "error": lambda: flow.ErrorEnd("broken"),
            "call": lambda: flow.Subprocess(self.child.start),
            "calls": lambda: flow.NSubprocess(self.child.start, [1, 2][: n + 1], sequential=n == 1),
        }[leaf.word]()

    def attach(self, node: Any, border: Border, then: Any) -> None:
        if border.kind == "undo":
            node.CompensateWith(take_back)
            return
        if border.kind == "undo_node":
            node.CompensateWith(self.add("handler", flow.ManualTask()))
            return
        if border.to == "human":
            then = self.add("other", flow.ManualTask().Next(then))
        elif border.to == "end":
            then = self.end()
        if border.kind in ("timeout", "timeout_beside"):
            node.OnTimeout(dt.timedelta(hours=2), then, interrupting=border.kind == "timeout")
        elif border.kind == "error":
            node.OnError(then)
        else:
            node.OnEscalation(then, interrupting=border.kind == "escalation_stop")

    # -- groups ------------------------------------------------------------------------------------------

    def group_sequence(self, group: Group, then: Any) -> Any:
        for part in reversed(group.parts):
            then = self.build(part, then)
        return then

    def group_if(self, group: Group, then: Any) -> Any:
        yes, no = (self.build(part, then) for part in group.parts[:2])
        return self.add("if", flow.If(way).Then(yes).Else(no))

    def group_switch(self, group: Group, then: Any) -> Any:
        node = flow.Switch()
        for part in group.parts[:-1]:
            node.Case(self.build(part, then), way)
        if group.n:
            node.Default(self.build(group.parts[-1], then))
        return self.add("switch", node)

    def group_loop(self, group: Group, then: Any) -> Any:
        turn = flow.If(again)
        back = self.add("again", turn)
        begin = self.group_sequence(group, back)
        turn.Then(begin if begin is not back else then).Else(then)
        return begin

    def group_race(self, group: Group, then: Any) -> Any:
        if group.n == 0:
            then = self.add("join", flow.Join().Next(then))
        node = flow.SplitFirst()
        for part in group.parts:
            node.Next(self.build(part, then))
        return self.add("race", node)

    def group_split(self, group: Group, then: Any) -> Any:
        join = None
        if group.word != "open":
            condition = enough if group.word in ("early", "late") else None
            count = 1 + group.n % 2 if group.word == "count" else None
            late = group.word == "late" or (group.word == "count" and group.n > 1)
            made = flow.Join(condition, cancel_active=not late, count=count)
            join = self.add("join", made.Next(then))
        node = flow.Split()
        for number, part in enumerate(group.parts):
            into = join if join is not None else then if number == 0 else self.end()
            kwargs: dict[str, Any] = {}
            if group.word == "cases" and number >= group.n % 2:
                kwargs["case"] = way
            if group.word == "items" and number == 0:
                kwargs["task_data_source"] = two_items if group.n else no_items
            node.Next(self.build(part, into), **kwargs)
        return self.add("split", node)

    def flow_class(self, name: str, block: Any) -> Any:
        self.nodes["end"] = flow.End()
        begin = self.build(block, this.end)
        nodes = {"start": flow.StartHandle().Next(begin), **self.nodes}
        return types.new_class(name, (flow.Flow,), exec_body=lambda body: body.update(_used(nodes)))


def _used(nodes: dict[str, Any]) -> dict[str, Any]:
    """The nodes that a token from the start can come to: what stands behind an end is left out."""
    found: dict[str, Any] = {}
    names = ["start"]
    while names:
        name = names.pop()
        if name in found:
            continue
        found[name] = nodes[name]
        edges = [edge for each in (nodes[name], *nodes[name]._attached) for edge in each._declared]
        names.extend(edge.target.name for edge in edges if hasattr(edge.target, "name"))
    return {name: node for name, node in nodes.items() if name in found}


class LeafFlow(flow.Flow):
    start = flow.StartHandle().Next(this.wait)
    wait = flow.ManualTask().Next(this.end)
    end = flow.End()


def make(plan: Plan) -> tuple[Any, Any]:
    """The classes of a plan: the flow and the flow that it calls."""
    child = Builder(None).flow_class("ModelChildFlow", plan.child)
    return Builder(child).flow_class("ModelRootFlow", plan.root), child
