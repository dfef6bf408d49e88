"""Decision tables: rows of conditions and results, from a CSV or a DMN file."""

from ..kinds import ANY, Kind
from . import cells, dmn
from .node import DecisionTable
from .reading import read
from .table import Decision, DecisionError, Table, TableError

__all__ = [
    "ANY", "Decision", "DecisionError", "DecisionTable", "Kind", "Table", "TableError", "cells", "dmn", "read",
]  # fmt: skip
