"""What the check lets through ends in the engine, and what it calls endless never does.

Free graphs of tasks, choices, splits, races and joins that lead anywhere. In one that passed, people do every task, and
each choice takes the way that the net says is nearer to an end. In one that was refused as endless, choices are random.
"""

from __future__ import annotations

import os
import random
import types

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, note, settings
from hypothesis import strategies as st

from portal import flow, this
from portal.errors import FlowError
from portal.flow import validation
from portal.flow.reachability import Net
from portal.models import Process, Task, db

#: how many graphs; more of them where time does not matter
EXAMPLES = int(os.environ.get("PORTAL_MODEL_EXAMPLES", "15"))
#: tasks that are done before a process is taken for endless
PATIENCE = 20
KINDS = ("human", "human", "if", "if", "join", "join")
#: few of them: tokens multiply behind each
SPLITS = ("split", "split", "first")


@st.composite
def graphs(draw):
    """Node kinds and ways by name, of which those are kept that the first one leads to."""
    count = draw(st.integers(2, 7))
    names = [f"n{number}" for number in range(count)]
    kinds = {name: draw(st.sampled_from(KINDS)) for name in names}
    splits = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2))
    kinds |= {name: draw(st.sampled_from(SPLITS)) for name in splits}
    targets = st.sampled_from([*names, "end"])
    ways = {}
    for name, kind in kinds.items():
        count = 1 if kind in ("human", "join") else 2
        ways[name] = draw(st.lists(targets, min_size=count, max_size=count))
    for name in names:
        for number, way in enumerate(ways[name]):
            # a way back passes a person, or the engine would go round for ever within one action; a race begins with
            # people, or it is decided as it begins
            back = kinds[name] != "human" and way != "end" and names.index(way) <= names.index(name)
            if back or kinds[name] == "first":
                between = f"{name}_{number}"
                kinds[between], ways[between], ways[name][number] = "human", [way], between
    kept, waiting = set(), ["n0"]
    while waiting:
        name = waiting.pop()
        if name not in kept and name != "end":
            kept.add(name)
            waiting.extend(ways[name])
    return {name: (kinds[name], ways[name]) for name in kept}


class Choice:
    """Which way a choice takes: the one nearer to an end, or any."""

    def __init__(self) -> None:
        self.rank: dict[str, int] = {}
        self.dice = random.Random(1)

    def between(self, then, otherwise):
        def holds(_activation):
            if not self.rank:
                return self.dice.random() < 0.5
            far = len(self.rank)
            return self.rank.get(then, far) <= self.rank.get(otherwise, far)

        return holds


def declared(graph, choice):
    nodes = {"start": flow.StartHandle().Next(this.n0)}
    if any("end" in ways for _, ways in graph.values()):
        nodes["end"] = flow.End()
    for name, (kind, ways) in graph.items():
        targets = [getattr(this, way) for way in ways]
        if kind == "if":
            nodes[name] = flow.If(choice.between(*ways)).Then(targets[0]).Else(targets[1])
            continue
        made = {"human": flow.ManualTask, "split": flow.Split, "first": flow.SplitFirst, "join": flow.Join}[
            kind
        ]()
        for target in targets:
            made.Next(target)
        nodes[name] = made
    return types.new_class("AgreeFlow", (flow.Flow,), exec_body=lambda body: body.update(nodes))


def ends(flow_class, rank):
    """Whether a process comes to its end when people do what is nearest to an end first, and the nodes it entered."""
    session = db.session()
    process = flow_class.start.run()
    for _ in range(PATIENCE):
        query = db.select(Task).where(Task.process_id == process.id, Task.status == "NEW").order_by(Task.id)
        found = list(session.scalars(query).unique())
        if not found:
            break
        task = min(found, key=lambda each: rank.get(each.flow_task, 0))
        with task.activation() as activation:
            activation.assign("alice")
            activation.execute()
    status = session.get_one(Process, process.id, populate_existing=True).status
    entered = set(session.scalars(db.select(Task.flow_task).where(Task.process_id == process.id)))
    session.rollback()
    return status == "DONE", entered


@pytest.fixture
def tester(flow_tester):
    flow_tester.person("alice", [])
    return flow_tester


@given(graph=graphs())
@settings(
    max_examples=EXAMPLES,
    derandomize="PORTAL_MODEL_EXAMPLES" not in os.environ,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_engine_ends_what_passed_and_never_ends_what_was_refused(tester, graph):
    choice = Choice()
    try:
        flow_class = declared(graph, choice)
        refusal = ""
    except FlowError as error:
        refusal = str(error)
        assume(all("never ends" in line or "nobody can win" in line for line in refusal.splitlines()))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(validation, "faults", lambda definition: ())
            flow_class = declared(graph, choice)
    else:
        choice.rank = Net(flow_class.definition).finishing
    tester(flow_class)
    event("refused" if refusal else "passed")
    came, entered = ends(flow_class, choice.rank)
    note(f"{graph} {refusal}")
    if refusal:  # nothing that came into a trap can have ended
        traps = {line.partition(":")[0].partition(".")[2] for line in refusal.splitlines()}
        assert not (came and traps & entered)
    else:
        assert came
