"""A flow as SVG."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render_fakes import make_flow

from portal.render import ChartState, svg
from portal.render.layout import layout

SVG = "{http://www.w3.org/2000/svg}"
NODES = {
    "start": "Start",
    "approve": "View",
    "approve__error": {"kind": "ErrorBoundary", "host": "approve"},
    "check": "If",
    "send": "Job",
    "end": "End",
}
EDGES = [
    ("start", "approve"),
    ("approve", "check"),
    ("check", "send", "Yes"),
    ("check", "end", "No", {"kind": "else"}),
    ("send", "end"),
    ("approve__error", "end"),
]
FLOW = make_flow(NODES, EDGES, title="Hello world", description="A message to the world")


def parsed(*args, **kwargs):
    return ET.fromstring(svg(*args, **kwargs))


def node(root, name):
    return next(g for g in root.iter(f"{SVG}g") if g.get("data-node") == name)


def test_it_is_named_for_screen_readers_and_scales():
    root = parsed(FLOW, title_id="x")
    assert root.get("role") == "img"
    texts = {element.get("id"): element.text for element in root if element.get("id")}
    assert [texts[name] for name in root.get("aria-labelledby").split()] == [
        "Hello world",
        "A message to the world",
    ]
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"


def test_every_node_says_what_it_is():
    root = parsed(FLOW)
    titles = {
        g.get("data-node"): g.find(f"{SVG}title").text for g in root.iter(f"{SVG}g") if g.get("data-node")
    }
    assert titles.keys() == NODES.keys()
    assert titles["approve"] == "Task: Approve"
    assert titles["approve__error"] == "On error: Any error"


def test_a_strict_policy_finds_nothing_inline():
    text = svg(FLOW, ChartState(done={"start": 1}), links={"approve": "/tasks/1"})
    assert "style" not in text
    assert "<script" not in text
    assert "onclick" not in text


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><b>', "&amp;", "]]>", "a\x00b"])
def test_what_people_wrote_is_escaped(evil):
    nodes = {"start": {"kind": "Start", "title": evil}, "if": {"kind": "If", "title": evil}, "end": "End"}
    flow_class = make_flow(nodes, [("start", "if"), ("if", "end", evil)], title=evil, description=evil)
    text = svg(flow_class, ChartState(badges={"start": evil}), title_id='"<', links={"start": f"/?q={evil}"})
    root = ET.fromstring(text)
    assert "<script" not in text
    assert root.find(f"{SVG}title").text == evil.replace("\x00", " ")


@settings(max_examples=20, deadline=None)
@given(st.text(min_size=1))
def test_any_title_gives_well_formed_xml(title):
    ET.fromstring(
        svg(
            make_flow(
                {"start": {"kind": "Start", "title": title}, "end": "End"}, [("start", "end")], title=title
            )
        )
    )


STATE = ChartState(
    done={"start": 1, "check": 2},
    current={"approve": 2},
    failed={"send": 1},
    canceled={"approve__error": 1},
    passed=frozenset({("start", "approve"), ("approve", "check")}),
)


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        ("start", "done", "Done"),
        ("approve", "current", "2 open"),
        ("send", "failed", "Failed"),
        ("approve__error", "canceled", "Cancelled"),
        ("end", "ahead", "Not reached"),
    ],
)
def test_a_state_is_a_class_a_sign_and_a_word(name, state, words):
    drawn = node(parsed(FLOW, STATE), name)
    assert f"flow-is-{state}" in drawn.get("class").split()
    assert f"({words})" in drawn.find(f"{SVG}title").text
    signs = [p for g in drawn.iter(f"{SVG}g") if g.get("class") == "flow-mark" for p in g.iter(f"{SVG}path")]
    assert bool(signs) is (state != "ahead")


def test_several_tasks_of_a_node_are_counted():
    drawn = node(parsed(FLOW, STATE), "approve")
    assert "×2" in [text.text for text in drawn.iter(f"{SVG}text")]


def test_the_passed_path_is_marked_and_drawn_last():
    classes = [
        g.get("class") for g in parsed(FLOW, STATE).iter(f"{SVG}g") if "flow-edge" in (g.get("class") or "")
    ]
    passed = ["flow-is-passed" in names for names in classes]
    assert sum(passed) == 2
    assert passed == sorted(passed)


def test_without_a_state_nothing_is_muted():
    assert "flow-is-" not in svg(FLOW)


def test_a_dashboard_shows_counts_and_heat():
    root = parsed(FLOW, ChartState(badges={"approve": 12}, heat={"approve": 9}, mutes=False))
    drawn = node(root, "approve")
    assert "12" in [text.text for text in drawn.iter(f"{SVG}text")]
    assert "flow-heat-5" in drawn.get("class")
    assert "flow-is-ahead" not in ET.tostring(root, encoding="unicode")


def test_links_are_reachable_so_it_is_no_image():
    root = parsed(FLOW, links={"approve": "/flows/x?node=approve&y=1"})
    assert root.get("role") == "group"
    assert [a.get("href") for a in root.iter(f"{SVG}a")] == ["/flows/x?node=approve&y=1"]


def test_links_are_reached_in_the_order_in_which_the_flow_is_read():
    nodes = {"end": "End", "send": "Job", "check": "If", "start": "Start"}
    edges = [("start", "check"), ("check", "send", "Yes"), ("check", "end", "No"), ("send", "end")]
    links = {name: f"/{name}" for name in nodes}
    found = [a.get("href")[1:] for a in parsed(make_flow(nodes, edges), links=links).iter(f"{SVG}a")]
    assert found == ["start", "check", "send", "end"]


def test_a_file_of_its_own_brings_its_stylesheet():
    style = parsed(FLOW, standalone=True).find(f"{SVG}style").text
    assert ".flow-shape" in style
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style


def test_its_stylesheet_is_there_word_for_word_so_a_policy_can_hash_it():
    text = svg(FLOW, standalone=True)
    style = ET.fromstring(text).find(f"{SVG}style").text
    assert f"<style>{style}</style>" in text


def test_two_pictures_on_a_page_share_no_id():
    def ids(prefix):
        return {element.get("id") for element in parsed(FLOW, title_id=prefix).iter() if element.get("id")}

    assert not ids("one") & ids("two")


def test_the_stroke_of_the_default_way_is_where_no_other_way_runs():
    nodes = {"start": "Start", "choice": "Switch", **dict.fromkeys("abc", "View")}
    edges = [("start", "choice"), ("choice", "a", "x"), ("choice", "b", "y")]
    flow_class = make_flow(nodes, [*edges, ("choice", "c", "otherwise", {"kind": "default"})])
    trunk, bend, tip = next(r.points for r in layout(flow_class).edges if r.edge.target.name == "c")
    drawn = [g for g in parsed(flow_class).iter(f"{SVG}g") if g.get("class") == "flow-edge"]
    (strokes,) = [lines for g in drawn if len(lines := g.findall(f"{SVG}path")) == 2]
    x, y = (float(number) for number in strokes[1].get("d").removeprefix("M").split("L")[0].split())
    assert trunk[0] == bend[0] < x < tip[0]
    assert abs(y - bend[1]) <= 5
