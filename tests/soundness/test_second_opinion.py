"""The check and an independent BPMN analyser agree on random flows.

The analyser sees tokens that are stuck, not those that go round for ever, and does not come to an end where tokens
multiply. So two questions are put to it. In flows of blocks (sequences, choices, parallel branches, loops with a way
out), where every branch comes to its Join and ours is BPMN's parallel gateway: can a token be stuck? In free graphs
of exclusive choices: is the task before the end dead when the process begins at a given node?
"""

from __future__ import annotations

import rust_bpmn_analyzer_bindings as analyser
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import flow, this
from portal.errors import FlowError

KINDS = {"If": "exclusiveGateway", "Split": "parallelGateway", "Join": "parallelGateway", "End": "endEvent"}


def bpmn(kinds, ways, start):
    """The graph as BPMN, with a merge before each task that several ways lead to."""
    tags = {"begin": "startEvent", **{name: KINDS.get(kind, "task") for name, kind in kinds.items()}}
    edges = [("begin", start), *((name, target) for name in kinds for target in ways[name])]
    # any number of ways may lead to a node of ours, each token for itself
    merges = {name: f"m_{name}" for name, kind in kinds.items() if kind != "Join"}
    edges = [(name, merges.get(target, target)) for name, target in edges]
    edges += [(merge, name) for name, merge in merges.items()]
    tags |= dict.fromkeys(merges.values(), "exclusiveGateway")
    body = [f'<sequenceFlow id="f{i}" sourceRef="{a}" targetRef="{b}"/>' for i, (a, b) in enumerate(edges)]
    for name, tag in tags.items():
        ends = [f"<incoming>f{i}</incoming>" for i, (_, to) in enumerate(edges) if to == name]
        ends += [f"<outgoing>f{i}</outgoing>" for i, (of, _) in enumerate(edges) if of == name]
        body.append(f'<{tag} id="{name}">{"".join(ends)}</{tag}>')
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="n">'
        f'<process id="p" isExecutable="true">{"".join(body)}</process></definitions>'
    )


def is_refused(kinds, ways):
    nodes = {"start": flow.StartHandle().Next(this.n0)}
    for name, kind in kinds.items():
        targets = [getattr(this, way) for way in ways[name]]
        if kind == "If":
            nodes[name] = flow.If(bool).Then(targets[0]).Else(targets[1])
        elif kind == "End":
            nodes[name] = flow.End()
        else:
            nodes[name] = getattr(flow, kind)()
            for target in targets:
                nodes[name].Next(target)
    try:
        type(flow.Flow)("RandomFlow", (flow.Flow,), nodes)
    except FlowError:
        return True
    return False


BLOCKS = st.recursive(
    st.just(("ManualTask",)),
    lambda inner: st.tuples(st.sampled_from(["then", "choice", "both", "loop", "wrong"]), inner, inner),
    max_leaves=6,
)


def build(block, kinds, ways, following, top=True):
    """Add a block, and return the name of its first node."""

    def add(kind, *targets):
        name = f"b{len(kinds)}"
        kinds[name], ways[name] = kind, list(targets)
        return name

    def within(part, then, top=False):
        return build(part, kinds, ways, then, top)

    what, *parts = block
    if what == "ManualTask":
        return add("ManualTask", following)
    if what == "then":
        return within(parts[0], within(parts[1], following, top), top)
    if what == "loop":
        again = add("If", following)
        first = within(parts[0], again)
        ways[again].append(first)
        return first
    # a choice into a Join inside of a Split belongs to that Split in our language, so only the outermost is compared
    wrong = what == "wrong" and top
    # the ways of a choice meet before a Join, at which BPMN would wait for each of them
    close = add("Join" if what == "both" or wrong else "ManualTask", following)
    branches = [within(part, close) for part in parts]
    return add("Split" if what == "both" else "If", *branches)


@given(BLOCKS)
@settings(max_examples=60, deadline=None)
def test_flows_of_blocks(block):
    kinds, ways = {"end": "End"}, {"end": []}
    first = build(block, kinds, ways, "end")
    kinds, ways = {"n0": "ManualTask", **kinds}, {"n0": [first], **ways}
    opinion = analyser.analyze_option_to_complete(bpmn(kinds, ways, "n0"))
    assert is_refused(kinds, ways) == (not opinion.fulfilled)


@st.composite
def graphs(draw):
    """Choices and tasks that lead anywhere, of which those are kept that the first one leads to."""
    count = draw(st.integers(2, 8))
    names = [*(f"n{i}" for i in range(count)), "last"]
    ways = {"last": ["end"], "end": []}
    for name in names[:-1]:
        ways[name] = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2))
    kept, waiting = set(), ["n0"]
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            waiting.extend(ways[name])
    ways = {name: ways[name] for name in ways if name in kept}
    kinds = {name: "If" if len(ways[name]) > 1 else "End" if name == "end" else "ManualTask" for name in ways}
    return kinds, ways


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_free_graphs_of_choices(graph):
    kinds, ways = graph
    stuck = [
        name
        for name in kinds
        if name != "end"
        and (
            "last" not in kinds
            or "last" in analyser.analyze_dead_activities(bpmn(kinds, ways, name)).problematic_elements
        )
    ]
    assert is_refused(kinds, ways) == bool(stuck)
