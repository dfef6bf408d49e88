"""Reads a table from a file, by its ending."""

from __future__ import annotations

from pathlib import Path

from ..kinds import Kinds
from . import csv_table, dmn
from .table import Table, TableError

_READERS = {".csv": csv_table.read, ".dmn": dmn.read, ".xml": dmn.read}


def read(file: Path, kinds: Kinds | None = None, decision: str = "") -> Table:
    """Read a table.

    Args:
        file: ends in `.csv` or `.dmn`.
        kinds: what the columns hold, by their names; what is not in it is guessed from each cell.
        decision: the id or the name of the decision, where a DMN file has several.

    Raises:
        TableError: the file is not there, or is no table; the message names the line or the rule.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise TableError(f"{file.name} is no table: name a file that ends in .csv or .dmn")
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise TableError(f"{file.name} is not UTF-8: save it as UTF-8") from None
    except OSError as error:
        mend = "; put it beside the module of the flow" if isinstance(error, FileNotFoundError) else ""
        raise TableError(f"{file} cannot be read: {error.strerror}{mend}") from None
    return reader(file.name, text, kinds or {}, decision)
