"""Imports diagrams drawn elsewhere: reads BPMN 2.0 as a graph, and writes a flow's Python for it."""

from .diagram import Diagram, Element, Line, read
from .skeleton import skeleton

__all__ = ["Diagram", "Element", "Line", "read", "skeleton"]
