"""Diagrams drawn elsewhere: BPMN 2.0 read as a graph, and a flow's Python written for it."""

from .diagram import Diagram, Element, Line, read
from .skeleton import skeleton

__all__ = ["Diagram", "Element", "Line", "read", "skeleton"]
