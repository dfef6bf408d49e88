"""Charts of figures as SVG, without a script. leather works out scales, axes and ticks; colours are the stylesheet's,
so that light, dark and print are one picture."""

from __future__ import annotations

import datetime as dt
import math
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import leather
from leather.shapes.base import Shape

from .text import printable

_WIDTH, _HEIGHT = 800, 300
#: leather leaves a twentieth of the width free on each side, and a line for a legend, which is beside the picture
_MARGIN = 40


class Band(Shape):  # type: ignore[misc]
    """What lies between a line and the one below it.

    Args:
        place: of the band among the others; the stylesheet gives it its colour.
        below: the heights of the line below.
    """

    def __init__(self, place: str, below: Sequence[float]) -> None:
        self.place, self.below = place, below

    def validate_series(self, series: Any) -> None:
        """Any series of numbers will do."""

    def legend_to_svg(self, _series: Any, _palette: Any) -> list[Any]:
        return []

    def to_svg(self, width: int, height: int, x_scale: Any, y_scale: Any, series: Any, _palette: Any) -> Any:
        points = [(d.x, d.y) for d in series.data()]
        back = [(x, low) for (x, _), low in zip(points, self.below, strict=True)]
        corners = " ".join(
            f"{x_scale.project(x, 0, width):.1f},{y_scale.project(y, height, 0):.1f}"
            for x, y in [*points, *reversed(back)]
        )
        drawn = ET.Element("polygon", points=corners)
        drawn.set("class", f"band band-{self.place}")
        return drawn


def bands(
    days: Sequence[dt.date],
    heights: Sequence[tuple[str, Sequence[int]]],
    title: str,
    description: str,
    day_words: Callable[[dt.date], str],
) -> str:
    """Bands one above the other, the first one at the bottom.

    Args:
        heights: the place of each band, which names its colour, and its height on each day.
        title, description: what who does not see the picture is told.
        day_words: what a day is called on the axis.
    """
    chart = leather.Chart()
    below: list[float] = [0] * len(days)
    for place, height in heights:
        top = [low + number for low, number in zip(below, height, strict=True)]
        chart.add_series(leather.Series(list(zip(days, top, strict=True))), Band(place, below))
        below = top
    ticks = _ticks(max(below, default=0))
    chart.add_y_scale(0, ticks[-1])
    chart.add_y_axis(ticks=ticks, tick_formatter=lambda value, _i, _n: f"{value:g}")
    chart.add_x_scale(days[0], days[-1])
    every = max(1, math.ceil(len(days) / 6))
    chart.add_x_axis(ticks=list(days[::every]), tick_formatter=lambda value, _i, _n: day_words(value))
    group = ET.tostring(chart.to_svg_group(_WIDTH, _HEIGHT), encoding="unicode")
    box = f"{_MARGIN - 8} {_MARGIN} {_WIDTH - 2 * _MARGIN + 40} {_HEIGHT - 2 * _MARGIN + 8}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="figures-chart" viewBox="{box}" role="img" '
        f"aria-label={quoteattr(printable(f'{title}. {description}'))}>"
        f"<title>{escape(printable(title))}</title>{group}</svg>"
    )


def _ticks(most: float) -> list[float]:
    """Round numbers from 0 to above the largest value, four or five of them."""
    rough = max(most, 4) / 4
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    step = max(1, math.ceil(step))
    return [step * number for number in range(math.ceil(max(most, 1) / step) + 1)]
