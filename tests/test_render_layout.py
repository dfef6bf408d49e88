"""Nothing in a picture lies on anything else."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render_fakes import make_flow

from portal.render.geometry import line_of, meets, segments
from portal.render.layout import layout, place
from portal.render.order import backward_edges, host_of, reading_order
from portal.render.shapes import is_boundary, shape_of
from portal.render.text import Box, text_width, wrap

TASKS = ["View", "Job", "Function", "NSubprocess", "Handle"]
TITLES = st.text("abcWm _-", min_size=1, max_size=60).map(lambda text: text.strip() or "x")
LABELS = st.sampled_from(["", "", "Yes", "amount > 1000", "country == 'DE' and amount >= 10 or not approved"])


@st.composite
def flows(draw):
    """Any graph: a spine, shortcuts, loops, boundary events with ways of their own."""
    count = draw(st.integers(2, 9))
    nodes = {"n0": {"kind": "Start", "title": draw(TITLES)}}
    edges = []
    for i in range(1, count):
        kind = draw(st.sampled_from([*TASKS, "If", "Split", "Join", "Timer"])) if i < count - 1 else "End"
        nodes[f"n{i}"] = {"kind": kind, "title": draw(TITLES)}
        edges.append((f"n{draw(st.integers(0, i - 1))}", f"n{i}", draw(LABELS)))
    inner = [name for name, node in nodes.items() if node["kind"] not in ("Start", "End")]
    if inner:
        ends = st.tuples(st.sampled_from(inner), st.sampled_from([*inner, f"n{count - 1}"]), LABELS)
        edges += draw(st.lists(ends, max_size=4))
    for name in inner:
        if nodes[name]["kind"] in TASKS:
            for number in range(draw(st.integers(0, 2))):
                kind = draw(st.sampled_from(["TimeoutBoundary", "ErrorBoundary"]))
                nodes[f"{name}__{number}"] = {"kind": kind, "host": name}
                if draw(st.booleans()):
                    nodes[f"x{name}{number}"] = {"kind": "Job", "title": draw(TITLES)}
                    edges += [
                        (f"{name}__{number}", f"x{name}{number}"),
                        (f"x{name}{number}", f"n{count - 1}"),
                    ]
                else:
                    edges.append((f"{name}__{number}", draw(st.sampled_from([*inner, f"n{count - 1}"]))))
    order = sorted(nodes, key=lambda name: "host" in nodes[name])
    return make_flow({name: nodes[name] for name in order}, edges)


@settings(max_examples=30, deadline=None)
@given(flows())
def test_nodes_titles_and_labels_never_overlap(flow_class):
    definition = flow_class.definition
    plan = place(definition)
    areas = {}
    for name, node in definition.nodes.items():
        if not is_boundary(node):
            areas[name] = plan.boxes[name]
        if shape_of(node).form != "task":
            areas[f"title of {name}"] = plan.titles[name].box
    areas |= {f"label {i}": route.label.box for i, route in enumerate(plan.edges) if route.label}
    for (one, a), (other, b) in itertools.combinations(areas.items(), 2):
        assert not a.overlaps(b), (one, other)
    boundaries = [plan.boxes[name] for name, node in definition.nodes.items() if is_boundary(node)]
    for a, b in itertools.combinations(boundaries, 2):
        assert not a.overlaps(b)


@settings(max_examples=30, deadline=None)
@given(flows())
def test_edges_run_from_border_to_border_level_or_upright(flow_class):
    plan = place(flow_class.definition)
    for route in plan.edges:
        for node, (x, y) in ((route.edge.source, route.points[0]), (route.edge.target, route.points[-1])):
            box = plan.boxes[node.name]
            on_side = min(abs(x - box.x), abs(x - box.right)) < 0.1 and box.y - 0.1 <= y <= box.bottom + 0.1
            on_top = min(abs(y - box.y), abs(y - box.bottom)) < 0.1 and box.x - 0.1 <= x <= box.right + 0.1
            assert on_side or on_top
        for (ax, ay), (bx, by) in segments(route.points):
            assert abs(ax - bx) < 0.1 or abs(ay - by) < 0.1


@settings(max_examples=30, deadline=None)
@given(flows())
def test_no_edge_runs_over_a_node(flow_class):
    definition = flow_class.definition
    plan = place(definition)
    for route in plan.edges:
        ends = {host_of(route.edge.source).name, host_of(route.edge.target).name}
        others = [node.name for node in definition.nodes.values() if host_of(node).name not in ends]
        for name, line in itertools.product(others, segments(route.points)):
            assert not meets(plan.boxes[name], line, -1), (
                route.edge.source.name,
                route.edge.target.name,
                name,
            )


@settings(max_examples=30, deadline=None)
@given(flows())
def test_no_edge_runs_over_a_title_or_a_label(flow_class):
    definition = flow_class.definition
    plan = place(definition)
    texts = {
        name: plan.titles[name].box
        for name, node in definition.nodes.items()
        if shape_of(node).form != "task"
    }
    texts |= {f"label {i}": route.label.box for i, route in enumerate(plan.edges) if route.label}
    for route in plan.edges:
        for name, line in itertools.product(texts, segments(route.points)):
            assert not meets(texts[name], line, -1), (route.edge.source.name, route.edge.target.name, name)


@settings(max_examples=20, deadline=None)
@given(flows())
def test_a_node_stands_right_of_all_that_lead_to_it_loops_aside(flow_class):
    definition = flow_class.definition
    boxes, back = place(definition).boxes, backward_edges(definition)
    for node in definition.nodes.values():
        for edge in node.outgoing:
            if id(edge) not in back:
                assert boxes[edge.target.name].x > boxes[host_of(node).name].right


@settings(max_examples=20, deadline=None)
@given(flows())
def test_everything_is_inside_the_picture(flow_class):
    plan = place(flow_class.definition)
    texts = [*plan.titles.values(), *(route.label for route in plan.edges if route.label)]
    for box in [*plan.boxes.values(), *(text.box for text in texts)]:
        assert box.x >= 0
        assert box.y >= 0
        assert box.right <= plan.width
        assert box.bottom <= plan.height


@settings(max_examples=20, deadline=None)
@given(flows())
def test_a_layout_is_the_same_every_time(flow_class):
    one, other = place(flow_class.definition), place(flow_class.definition)
    assert (one.boxes, one.titles) == (other.boxes, other.titles)
    assert [route.points for route in one.edges] == [route.points for route in other.edges]


@settings(max_examples=20, deadline=None)
@given(flows())
def test_reading_order_names_every_node_once_behind_those_that_lead_to_it(flow_class):
    definition = flow_class.definition
    names = [node.name for node in reading_order(definition)]
    assert sorted(names) == sorted(definition.nodes)
    back = backward_edges(definition)
    for node in definition.nodes.values():
        assert all(
            names.index(node.name) < names.index(e.target.name) for e in node.outgoing if id(e) not in back
        )


APPROVAL = make_flow(
    {
        "start": "Start",
        "approve": "View",
        "approve__timeout": {"kind": "TimeoutBoundary", "host": "approve"},
        "check": "If",
        "send": "Job",
        "escalate": "Function",
        "end": "End",
    },
    [
        ("start", "approve"),
        ("approve", "check"),
        ("check", "send", "Yes"),
        ("check", "approve", "No"),
        ("approve__timeout", "escalate"),
        ("send", "end"),
        ("escalate", "end"),
    ],
)


def test_the_main_path_is_straight_and_reads_left_to_right():
    boxes = layout(APPROVAL).boxes
    path = ["start", "approve", "check", "send", "end"]
    assert len({round(boxes[name].center[1]) for name in path}) == 1
    assert [boxes[name].x for name in path] == sorted(boxes[name].x for name in path)


def test_exceptions_lie_below_and_are_left_downward():
    plan = layout(APPROVAL)
    assert plan.boxes["escalate"].y > plan.boxes["approve"].bottom
    timeout = plan.boxes["approve__timeout"]
    assert timeout.center[1] == plan.boxes["approve"].bottom
    route = next(route for route in plan.edges if route.edge.source.name == "approve__timeout")
    assert route.points[0] == (timeout.center[0], timeout.bottom)
    assert route.points[1][1] > route.points[0][1]


def test_branches_lie_below_each_other_in_the_order_of_declaration():
    nodes = {"start": "Start", "split": "Split", **dict.fromkeys("abc", "View"), "join": "Join", "end": "End"}
    edges = [("start", "split"), *(("split", name) for name in "bca"), *((name, "join") for name in "abc")]
    boxes = layout(make_flow(nodes, [*edges, ("join", "end")])).boxes
    assert [boxes[name].y for name in "bca"] == sorted(boxes[name].y for name in "abc")
    assert {boxes[name].center[1] for name in ("start", "split", "b", "join", "end")} == {
        boxes["b"].center[1]
    }


def test_what_leaves_further_right_lies_higher_so_that_no_ways_cross():
    nodes = {"start": "Start"}
    edges = []
    for name, before in (("a", "start"), ("b", "a"), ("c", "b")):
        nodes |= {
            name: "View",
            f"{name}__late": {"kind": "TimeoutBoundary", "host": name},
            f"{name}2": "View",
        }
        edges += [(before, name), (f"{name}__late", f"{name}2"), (f"{name}2", "end")]
    plan = layout(make_flow({**nodes, "end": "End"}, [*edges, ("c", "end")]))
    assert plan.boxes["c2"].y < plan.boxes["b2"].y < plan.boxes["a2"].y
    assert not crossings(plan)


def test_ways_to_one_node_run_together_in_the_end():
    nodes = {"start": "Start", "a": "View", "b": "View", "off": "CompensateThrow", "end": "End"}
    nodes |= {f"{name}__late": {"kind": "TimeoutBoundary", "host": name} for name in "ab"}
    edges = [("start", "a"), ("a", "b"), ("b", "end"), ("a__late", "off"), ("b__late", "off")]
    plan = layout(make_flow(nodes, edges))
    late = [route.points for route in plan.edges if route.edge.target.name == "off"]
    assert len({points[-2][1] for points in late}) == 1
    assert [len(points) for points in late] == [3, 3]


def test_what_takes_a_step_back_stands_below_it():
    nodes = {"start": "Start", "pay": "Job", "pay__back": {"kind": "CompensationBoundary", "host": "pay"}}
    edges = [("start", "pay"), ("pay", "next"), ("pay__back", "refund"), ("next", "end")]
    plan = layout(make_flow({**nodes, "refund": "Job", "next": "View", "end": "End"}, edges))
    pay, refund = plan.boxes["pay"], plan.boxes["refund"]
    assert refund.y > pay.bottom
    assert refund.center[0] == pay.center[0]
    (way,) = [route.points for route in plan.edges if route.edge.target.name == "refund"]
    assert way == ((plan.boxes["pay__back"].center[0], plan.boxes["pay__back"].bottom), (way[0][0], refund.y))


@pytest.mark.parametrize("kind", ["View", "NSubprocess", "SendHandle"])
def test_a_tasks_title_keeps_clear_of_its_symbol_and_its_boundary_events(kind):
    nodes = {
        "a": {"kind": kind, "title": "Decide on leave"},
        "a__late": {"kind": "TimeoutBoundary", "host": "a"},
    }
    plan = layout(make_flow({**nodes, "end": "End"}, [("a", "end"), ("a__late", "end")]))
    title, box = plan.titles["a"].box, plan.boxes["a"]
    assert not plan.boxes["a__late"].overlaps(title)
    if shape_of(plan.edges[0].edge.source).symbol:
        assert not Box(box.x + 6, box.y + 6, 15, 15).overlaps(title)


def crossings(plan):
    """The pairs of edges that cross each other."""
    pairs = itertools.combinations(plan.edges, 2)
    return [
        (one.edge.source.name, other.edge.source.name)
        for one, other in pairs
        if any(line_of(a).crosses(line_of(b)) for a in segments(one.points) for b in segments(other.points))
    ]


def test_a_loop_goes_around_all_that_lies_between():
    plan = layout(APPROVAL)
    loop = next(
        route
        for route in plan.edges
        if (route.edge.source.name, route.edge.target.name) == ("check", "approve")
    )
    between = [
        box for name, box in plan.boxes.items() if name not in ("check", "approve", "approve__timeout")
    ]
    assert not any(meets(box, line) for box in between for line in segments(loop.points))


def test_a_node_may_lead_to_itself():
    flow_class = make_flow(
        {"start": "Start", "ask": "If", "end": "End"},
        [("start", "ask"), ("ask", "ask", "again"), ("ask", "end")],
    )
    plan = place(flow_class.definition)
    assert len(plan.edges[1].points) >= 4


def test_long_titles_make_tasks_higher_and_end_in_an_ellipsis():
    title = (
        "An unusually long title that goes on and on until nobody can remember how it began or why, and more"
    )
    plan = place(make_flow({"a": {"kind": "View", "title": title}, "b": "End"}, [("a", "b")]).definition)
    assert plan.boxes["a"].height > 64
    assert plan.titles["a"].lines[-1].endswith("…")


@pytest.mark.parametrize(
    "text", ["a", "word " * 30, "x" * 200, "снег", "日本語" * 20, "check_the_very_long_identifier"]
)
def test_wrapped_lines_fit(text):
    assert all(text_width(line, 12) <= 100 for line in wrap(text, 100, 12, 4))
    assert len(wrap(text, 100, 12, 4)) <= 4


def test_the_layout_of_a_flow_is_kept():
    assert layout(APPROVAL) is layout(APPROVAL)


def test_a_loop_does_not_come_in_where_a_way_goes_out():
    nodes = {
        "start": "Start",
        "split": "Split",
        "a": "View",
        "b": "View",
        "c": "View",
        "again": "If",
        "end": "End",
    }
    edges = [("start", "split"), *(("split", name) for name in "abc"), *((name, "again") for name in "abc")]
    plan = layout(make_flow(nodes, [*edges, ("again", "end", "Yes"), ("again", "split", "No")]))
    leaving = {route.points[0] for route in plan.edges if route.edge.source.name == "split"}
    arriving = {route.points[-1] for route in plan.edges if route.edge.target.name == "split"}
    assert leaving.isdisjoint(arriving)
