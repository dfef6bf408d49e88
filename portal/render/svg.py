"""A flow as SVG, drawn on the server."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from portal import folders
from portal.language import gettext as _

from .geometry import Point, runs_along, segments
from .layout import Layout, Route, layout
from .measure import EDGE_FONT, NOTE_FONT, STATE_FONT, TASK_FONT, TITLE_FONT
from .order import reading_order
from .shapes import Shape, is_boundary, shape_of
from .state import ChartState
from .symbols import SYMBOLS
from .text import Box, Text, printable, shortened, text_width
from .words import caption, given_out, notes

_STYLESHEET = folders.STATIC / "portal" / "flow.css"
#: how far a line's corner is rounded, and how long an arrow's head is
_BEND, _HEAD = 7.0, 8.0
#: what stands for the words of a comparison
_SIGNS = {"added": "+", "removed": "−", "changed": "≠"}
#: how much wider bold letters are
_BOLD = 1.12


def svg(
    flow_class: Any,
    state: ChartState | None = None,
    *,
    title_id: str = "flow-chart",
    links: Mapping[str, str] | None = None,
    standalone: bool = False,
) -> str:
    """The picture of a flow.

    Args:
        state: how far a process has come; without it the flow alone is drawn.
        title_id: what the ids inside begin with; one page may hold several pictures.
        links: where a click on a node leads, by its name.
        standalone: bring the stylesheet along, for a picture that is a file of its own.
    """
    definition = flow_class.definition
    plan = layout(flow_class)
    parts = [_opening(plan, title_id, bool(links))]
    parts.append(f"<title id={_attribute(title_id + '-title')}>{_safe(definition.title)}</title>")
    parts.append(f"<desc id={_attribute(title_id + '-desc')}>{_safe(_description(definition, state))}</desc>")
    if standalone:
        parts.append(f"<style>{_stylesheet()}</style>")
    # ways that were gone lie above those that were not
    routes = sorted(plan.edges, key=lambda route: _is_passed(route, state))
    parts.append("<g>" + "".join(_edge(route, plan, state) for route in routes) + "</g>")
    # in reading order, which is then that of the Tab key too
    for node in reading_order(definition):
        drawn = _node(node, plan, state)
        href = (links or {}).get(node.name)
        parts.append(f'<a href={_attribute(href)} class="flow-link">{drawn}</a>' if href else drawn)
    parts.append("".join(_text(route.label, "flow-label", EDGE_FONT) for route in plan.edges if route.label))
    return "".join([*parts, "</svg>"])


def _opening(plan: Layout, title_id: str, interactive: bool) -> str:
    size = f"{plan.width:g} {plan.height:g}"
    width, height = size.split()
    named = _attribute(f"{title_id}-title {title_id}-desc")
    # the parts of an image are hidden from screen readers; links must not be
    role = "group" if interactive else "img"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flow-chart" viewBox="0 0 {size}" width="{width}" '
        f'height="{height}" role="{role}" aria-labelledby={named}>'
    )


def _description(definition: Any, state: ChartState | None) -> str:
    if state is None:
        return definition.description or _("%(number)s steps", number=len(definition.nodes))
    parts = [
        f"{caption(node)}: {state.words(node.name)}"
        for node in definition.nodes.values()
        if state.of(node.name) in ("failed", "current")
    ]
    return "; ".join(parts) or _("Nothing is open")


# -- nodes ------------------------------------------------------------------------------------------------


def _node(node: Any, plan: Layout, state: ChartState | None) -> str:
    shape, box = shape_of(node), plan.boxes[node.name]
    classes = ["flow-node", f"flow-{shape.form}", f"flow-border-{shape.border}"]
    if is_boundary(node) and not node.interrupting:
        classes.append("flow-dashed")
    if state:
        classes.append(f"flow-is-{state.of(node.name)}")
        if node.name in state.late:
            classes.append("flow-is-late")
        if heat := state.heat.get(node.name):
            classes.append(f"flow-heat-{min(max(heat, 1), 5)}")
        if change := state.changes.get(node.name):
            classes.append(f"flow-{change}")
    words = "; ".join([f"{shape.word}: {caption(node)}", *notes(node), *given_out(node)])
    if state and (said := state.words(node.name)):
        words += f" ({said})"
    line = state.lines.get(node.name, "") if state and shape.form == "task" else ""
    words += f": {line}" if line else ""
    drawing = {"task": _task, "gateway": _gateway, "event": _event}[shape.form](shape, box)
    title = plan.titles[node.name]
    font = TASK_FONT if shape.form == "task" else TITLE_FONT
    if line:
        title = title.moved(0, -STATE_FONT[1] / 2 + 2)
    drawing += _text(title, "flow-title", font) + _state_line(line, title, box)
    return (
        f'<g class="{" ".join(classes)}" data-node={_attribute(node.name)}><title>{_safe(words)}</title>'
        f"{drawing}{_marks(node.name, shape, box, state)}</g>"
    )


def _state_line(line: str, title: Text, box: Box) -> str:
    """The small line below a task's title."""
    if not line:
        return ""
    size, height = STATE_FONT
    words = shortened(line, box.width - 12, size)
    drawn = _line(words, box.center[0], title.box.bottom + height / 2 + size * 0.35, "middle", size)
    return f'<g class="flow-state">{drawn}</g>'


def _task(shape: Shape, box: Box) -> str:
    drawn = [_rect(box, "flow-shape", 8)]
    if shape.symbol:
        filled = shape.filled or shape.symbol == "send"
        drawn.append(_symbol(shape.symbol, box.x + 6, box.y + 6, 15, filled))
    start = box.center[0] - len(shape.markers) * 9
    for i, marker in enumerate(shape.markers):
        drawn.append(_symbol(f"marker-{marker}", start + i * 18 + 2, box.bottom - 17, 14))
    return "".join(drawn)


def _gateway(shape: Shape, box: Box) -> str:
    x, y = box.center
    points = f"{x:g},{box.y:g} {box.right:g},{y:g} {x:g},{box.bottom:g} {box.x:g},{y:g}"
    return f'<polygon class="flow-shape" points="{points}"/>' + _symbol(shape.symbol, x - 10, y - 10, 20)


def _event(shape: Shape, box: Box) -> str:
    x, y = box.center
    radius = box.width / 2
    drawn = f'<circle class="flow-shape" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>'
    if shape.border == "double":
        drawn += f'<circle class="flow-ring" cx="{x:g}" cy="{y:g}" r="{radius - 3:g}"/>'
    if shape.symbol:
        side = box.width * 0.5
        lift = 1 if shape.symbol == "signal" else 0
        drawn += _symbol(shape.symbol, x - side / 2, y - side / 2 - lift, side, shape.filled)
    return drawn


def _marks(name: str, shape: Shape, box: Box, state: ChartState | None) -> str:
    """What the state adds in the corner: a sign, a count, a badge."""
    if state is None:
        return ""
    x, y = (box.right - 6, box.y) if shape.form == "task" else (box.center[0] + 15, box.center[1] - 15)
    drawn, kind, count = _change(name, shape, box, state), state.of(name), state.count(name)
    plain = drawn
    if kind in ("done", "current", "failed", "canceled"):
        drawn += (
            f'<g class="flow-mark"><circle cx="{x:g}" cy="{y:g}" r="9"/>{_symbol(kind, x - 8, y - 8, 16)}</g>'
        )
        x -= 12
        if count > 1 and shape.form == "task":
            drawn += _pill(f"×{count}", x - 8, y)
            x -= text_width(f"×{count}", 11) + 14
    if (badge := state.badges.get(name)) is not None:
        drawn += _pill(str(badge), x + (4 if drawn == plain else -8), y, "flow-badge")
    return drawn


def _change(name: str, shape: Shape, box: Box, state: ChartState) -> str:
    """What a comparison says, at a corner where no other mark is: its word, or a sign where there is little room."""
    change = state.changes.get(name, "")
    if not change:
        return ""
    if shape.form != "task":
        return _pill(_SIGNS[change], box.x - 4, box.bottom, "flow-change")
    word = state.change(name)
    width = text_width(word, 11) * _BOLD + 12
    drawn = Box(box.x - 5, box.y - 14, width, 18)
    middle = _line(word, drawn.center[0], box.y - 1, "middle", 11)
    return f'<g class="flow-change">{_rect(drawn, "", 9)}{middle}</g>'


def _pill(words: str, right: float, y: float, kind: str = "flow-count") -> str:
    width = max(18.0, text_width(words, 11) + 11)
    box = Box(right + 9 - width, y - 9, width, 18)
    return f'<g class="{kind}">{_rect(box, "", 9)}{_line(words, box.center[0], y + 4, "middle", 11)}</g>'


# -- edges ------------------------------------------------------------------------------------------------


def _is_passed(route: Route, state: ChartState | None) -> bool:
    return state is not None and (route.edge.source.name, route.edge.target.name) in state.passed


def _edge(route: Route, plan: Layout, state: ChartState | None) -> str:
    classes = ["flow-edge"]
    if state:
        classes.append(
            "flow-is-passed" if _is_passed(route, state) else "flow-is-ahead" if state.mutes else ""
        )
        if change := state.changes.get((route.edge.source.name, route.edge.target.name)):
            classes.append(f"flow-{change}")
    source = route.edge.source
    if source.kind == "CompensationBoundary":
        classes.append("flow-association")
    tick = _tick(route, plan) if route.edge.kind in ("default", "else") else ""
    path = f'<path class="flow-line" d="{_path(route.points)}"/>{tick}'
    return f'<g class="{" ".join(filter(None, classes))}">{path}{_head(route.points)}</g>'


def _path(points: tuple[Point, ...]) -> str:
    """A line along the points, its corners rounded, that ends a little inside of the arrow's head."""
    drawn = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_BEND, _distance(before, corner) / 2, _distance(corner, after) / 2)
        a, b = _towards(corner, before, radius), _towards(corner, after, radius)
        drawn.append(f"L{a[0]:g} {a[1]:g}Q{corner[0]:g} {corner[1]:g} {b[0]:g} {b[1]:g}")
    x, y = _towards(points[-1], points[-2], min(_HEAD - 2, _distance(points[-1], points[-2]) / 2))
    return "".join([*drawn, f"L{x:g} {y:g}"])


def _head(points: tuple[Point, ...]) -> str:
    tip = points[-1]
    base = _towards(tip, points[-2], _HEAD)
    dx, dy = (base[1] - tip[1]) * 0.45, (tip[0] - base[0]) * 0.45
    corners = (tip, (base[0] + dx, base[1] + dy), (base[0] - dx, base[1] - dy))
    return f'<polygon class="flow-head" points="{" ".join(f"{x:g},{y:g}" for x, y in corners)}"/>'


def _tick(route: Route, plan: Layout) -> str:
    """BPMN's stroke across the way that is taken if no condition holds, where no other way shares its line."""
    others = [line for each in plan.edges if each is not route for line in segments(each.points)]
    own = segments(route.points)
    index = next((i for i, line in enumerate(own) if not any(runs_along(line, o) for o in others)), 0)
    start, end = own[index]
    x, y = _towards(start, end, min(9 if index == 0 else 16, _distance(start, end) / 2))
    return f'<path class="flow-line" d="M{x - 3:g} {y + 5:g}L{x + 3:g} {y - 5:g}"/>'


def _distance(a: Point, b: Point) -> float:
    return float(abs(a[0] - b[0]) + abs(a[1] - b[1]))


def _towards(start: Point, end: Point, length: float) -> Point:
    whole = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5 or 1.0
    return start[0] + (end[0] - start[0]) * length / whole, start[1] + (end[1] - start[1]) * length / whole


# -- small pieces -----------------------------------------------------------------------------------------


def _rect(box: Box, kind: str, radius: float) -> str:
    named = f' class="{kind}"' if kind else ""
    size = f'width="{box.width:g}" height="{box.height:g}"'
    return f'<rect{named} x="{box.x:g}" y="{box.y:g}" {size} rx="{radius:g}"/>'


def _symbol(name: str, x: float, y: float, side: float, filled: bool = False) -> str:
    kind = "flow-symbol flow-filled" if filled else "flow-symbol"
    scale = f"translate({x:g} {y:g}) scale({side / 16:g})"
    return f'<path class="{kind} flow-symbol-{name}" transform="{scale}" d="{SYMBOLS[name]}"/>'


def _text(text: Text, kind: str, font: tuple[float, float]) -> str:
    box = text.box
    x = {"start": box.x, "middle": box.center[0], "end": box.right}[text.anchor]
    drawn = f'<g class="{kind}">{_lines(text.lines, x, box.y, text.anchor, font)}</g>'
    if text.notes:
        below = _lines(text.notes, x, box.y + len(text.lines) * font[1], text.anchor, NOTE_FONT)
        drawn += f'<g class="{kind} flow-note">{below}</g>'
    return drawn


def _lines(lines: tuple[str, ...], x: float, top: float, anchor: str, font: tuple[float, float]) -> str:
    size, line_height = font
    return "".join(
        _line(line, x, top + (i + 0.5) * line_height + size * 0.35, anchor, size)
        for i, line in enumerate(lines)
    )


def _line(words: str, x: float, y: float, anchor: str, size: float) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}">{_safe(words)}</text>'


def _attribute(text: str) -> str:
    """Escaped and in quotes."""
    return quoteattr(printable(text))


def _safe(text: str) -> str:
    """Escaped, and without what XML cannot carry."""
    return escape(printable(str(text)))


@cache
def _stylesheet() -> str:
    """Word for word, so that a policy can name it by its hash; it has no `<` and no `&`."""
    return _STYLESHEET.read_text(encoding="utf-8")
