"""A table from a CSV file: a head, and a row a line; the first row that fits decides."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..kinds import ANY, Kinds
from . import cells
from .table import Column, Result, Rule, Table, TableError

#: what begins the head of a column of results
OUT = "out:"


def read(name: str, text: str, kinds: Kinds, decision: str = "") -> Table:
    """A table from the text of a CSV file.

    Raises:
        TableError: a line is wrong; the message says which one.
    """
    if decision:
        raise TableError(f"{name} has one decision; leave decision= out")
    parted = _parted(text)
    rows = list(_rows(name, text, parted))
    if not rows:
        raise TableError(f"{name} is empty: its first line names the columns, as in amount,{OUT} rate")
    (line, head), *body = rows
    columns = [each.strip() for each in head]
    ins = [at for at, each in enumerate(columns) if each and not each.startswith(("#", OUT))]
    outs = [at for at, each in enumerate(columns) if each.startswith(OUT)]
    names = [columns[at].removeprefix(OUT).strip() for at in range(len(columns))]
    if not outs:
        raise TableError(f"{name}, line {line}: no column has a result; head one with `{OUT} name`")
    doubled = {names[at] for at in outs if [names[o] for o in outs].count(names[at]) > 1}
    if doubled or not all(names[at] for at in outs):
        raise TableError(
            f"{name}, line {line}: each column of results has a name of its own: {', '.join(columns)}"
        )
    if parted == ";":
        decimal = [at for at in ins if kinds.get(names[at], ANY).type in (float, Decimal)]
        for line, row in body:
            for at in decimal:
                if at < len(row):
                    _refuse_decimal_comma(f"{name}, line {line}, column {names[at]}", row[at])
    rules = tuple(_rule(name, line, row, names, ins, outs, kinds) for line, row in body)
    _check_reach(name, rules)
    return Table(name, tuple(Column(names[at]) for at in ins), tuple(Column(names[at]) for at in outs), rules)


def _parted(text: str) -> str:
    """What parts the columns: what the head has most of."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=head.count)


def _rows(name: str, text: str, parted: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers."""
    reader = csv.reader(text.splitlines(keepends=True), delimiter=parted, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise TableError(f"{name}, line {reader.line_num}: {error}") from None


def _rule(
    name: str,
    line: int,
    row: list[str],
    names: list[str],
    ins: list[int],
    outs: list[int],
    kinds: Kinds,
) -> Rule:
    if len(row) != len(names):
        raise TableError(
            f"{name}, line {line}: has {len(row)} cells, and the head {len(names)}; quote a cell with a comma in it"
        )
    at = 0
    try:
        tests = []
        for at in ins:
            tests.append(cells.test(row[at], kinds.get(names[at], ANY), strict=False))
        results = []
        for at in outs:
            kind = kinds.get(names[at], ANY)
            results.append(_always(cells.fitted(cells.literal(row[at], kind, strict=False), kind)))
    except cells.Odd as error:
        raise TableError(f"{name}, line {line}, column {names[at]}: {error}") from None
    return Rule(f"line {line}", tuple(tests), tuple(results))


def _refuse_decimal_comma(where: str, cell: str) -> None:
    """Where spreadsheets part columns by semicolons they write 100.50 as 100,50, which would be one of 100 and 50."""
    if found := re.search(r"(?<![\w,])(\d+),(\d+)(?![\w,])", cell):
        whole, part = found.groups()
        raise TableError(
            f"{where}: write {whole}.{part} for a decimal number, `{whole}, {part}` for one of two"
        )


def _always(value: Any) -> Result:
    return lambda values: value


def _check_reach(name: str, rules: tuple[Rule, ...]) -> None:
    if not rules:
        raise TableError(f"{name} has no row below its head")
    for rule in rules[:-1]:
        if all(test is None for test in rule.tests):
            raise TableError(
                f"{name}, {rule.place}: fits everything, so no row below it counts; move it to the end"
            )
