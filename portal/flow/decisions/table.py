"""A decision table that has been read, and what it decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: whether a value passes; it gets the other values too
Test = Callable[[Any, Mapping[str, Any]], bool]
#: a value of the row that fits
Result = Callable[[Mapping[str, Any]], Any]

#: what becomes of the rows that fit, by DMN's names
POLICIES = ("UNIQUE", "FIRST", "PRIORITY", "ANY", "RULE ORDER", "OUTPUT ORDER", "COLLECT")
#: those by which every row that fits gives a value of a list
LISTED = ("RULE ORDER", "OUTPUT ORDER", "COLLECT")
#: those that go by the order of the values that a result may have
RANKED = ("PRIORITY", "OUTPUT ORDER")
AGGREGATIONS: dict[str, Callable[[Sequence[Any]], Any]] = {"SUM": sum, "MIN": min, "MAX": max, "COUNT": len}


class TableError(ValueError):
    """A table cannot be read; the message names the file and the line or the rule."""


class DecisionError(ValueError):
    """A table decides nothing, or not clearly."""


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of conditions or results.

    Args:
        name: of the value that it asks for or that it sets.
        read: works the value out of the others; None where it is the value of that name.
    """

    name: str
    read: Result | None = None


@dataclasses.dataclass(frozen=True)
class Rule:
    """One row.

    Args:
        place: names it in a message: `line 3`, `rule 2`.
        tests: one a column of conditions; None where anything fits.
        results: one a column of results.
    """

    place: str
    tests: tuple[Test | None, ...]
    results: tuple[Result, ...]

    def fits(self, values: Sequence[Any], others: Mapping[str, Any]) -> bool:
        return all(
            test is None or test(value, others) for test, value in zip(self.tests, values, strict=True)
        )


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a table says.

    Args:
        values: the results by the names of their columns.
        places: the rows that fit.
    """

    values: dict[str, Any]
    places: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of conditions and results.

    Args:
        name: the file's name, and that of the decision where the file has several.
        policy: one of `POLICIES`.
        aggregation: one of `AGGREGATIONS`, for `COLLECT`.
        requires: tables whose results are values of this one.
        worked_out: the columns of results of which a row has an expression.
        ranks: for each column of results the values that it may have, the most important one first; for `RANKED`.
        defaults: a result for each column where no row fits; empty where that is an error.
    """

    name: str
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]
    rules: tuple[Rule, ...]
    policy: str = "FIRST"
    aggregation: str = ""
    requires: tuple[Table, ...] = ()
    defaults: tuple[Result, ...] = ()
    worked_out: frozenset[str] = frozenset()
    ranks: tuple[tuple[Any, ...], ...] = ()

    @property
    def needs(self) -> list[str]:
        """The names of the values that it asks for, with those of the tables that it requires."""
        known = {column.name for table in self.requires for column in table.outputs}
        own = [column.name for column in self.inputs if column.read is None and column.name not in known]
        return list(dict.fromkeys([*(name for table in self.requires for name in table.needs), *own]))

    @property
    def sets(self) -> list[str]:
        return [column.name for column in self.outputs]

    def decide(self, values: Mapping[str, Any]) -> Decision:
        """What the table says of these values.

        Raises:
            DecisionError: no row fits, several fit where one may, or a value cannot be compared.
        """
        for table in self.requires:
            values = {**values, **table.decide(values).values}
        asked = [values[each.name] if each.read is None else each.read(values) for each in self.inputs]
        try:
            found = [rule for rule in self.rules if rule.fits(asked, values)]
        except TypeError as error:
            raise DecisionError(
                f"{self.name} cannot compare {self._asked_in_words(asked)}: {error}"
            ) from error
        if not found:
            if not self.defaults:
                raise DecisionError(
                    f"{self.name}: no row fits {self._asked_in_words(asked)}; add a row for the rest"
                )
            return Decision(self._results(self.defaults, values), ())
        return self._decided(found, asked, values)

    def _decided(self, found: list[Rule], asked: list[Any], values: Mapping[str, Any]) -> Decision:
        if self.policy == "FIRST":
            del found[1:]
        rows = [self._results(rule.results, values) for rule in found]
        if self.policy in RANKED:
            order = sorted(range(len(found)), key=lambda at: self._rank(found[at], rows[at]))
            order = order[:1] if self.policy == "PRIORITY" else order
            found, rows = [found[at] for at in order], [rows[at] for at in order]
        places = tuple(rule.place for rule in found)
        if self.policy in LISTED:
            gather = AGGREGATIONS[self.aggregation] if self.aggregation else list
            return Decision({name: gather([row[name] for row in rows]) for name in self.sets}, places)
        if len(rows) > 1 and (self.policy == "UNIQUE" or any(row != rows[0] for row in rows)):
            raise DecisionError(
                f"{self.name}: {' and '.join(places)} fit {self._asked_in_words(asked)}; one row may"
            )
        return Decision(rows[0], places)

    def _rank(self, rule: Rule, row: Mapping[str, Any]) -> tuple[int, ...]:
        """How important a row is, column by column: less comes first."""
        try:
            return tuple(
                ranks.index(row[name]) if ranks else 0
                for name, ranks in zip(self.sets, self.ranks, strict=True)
            )
        except ValueError:
            raise DecisionError(
                f"{self.name}, {rule.place}: {row} is not among the values of its columns"
            ) from None

    def _results(self, results: tuple[Result, ...], values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: result(values) for name, result in zip(self.sets, results, strict=True)}

    def _asked_in_words(self, asked: list[Any]) -> str:
        return ", ".join(f"{column.name}={value!r}" for column, value in zip(self.inputs, asked, strict=True))
