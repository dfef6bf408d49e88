"""Pictures of a flow: SVG for people's eyes, steps in words for everyone, BPMN for other programs."""

from .bpmn import bpmn
from .comparison import Comparison, compare
from .description import describe, described
from .state import ChartState
from .steps import Step, Way, steps
from .svg import svg

__all__ = [
    "ChartState", "Comparison", "Step", "Way", "bpmn", "compare", "describe", "described", "steps", "svg",
]  # fmt: skip
