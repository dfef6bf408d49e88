"""Tables from a DMN file (OMG, 1.1 to 1.5), as modellers write it.

Cells of S-FEEL's simple tests are read here, exactly. Expressions beyond them (`amount * 0.2`) are zen-engine's, the
extra `dmn`: its language is near FEEL's, without names that have spaces.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

from ..kinds import ANY, Kind, Kinds
from ..names import guess
from . import cells
from .table import AGGREGATIONS, POLICIES, RANKED, Column, Result, Rule, Table, TableError, Test

_NAME = re.compile(r"[A-Za-z_]\w*")
#: a name in an expression that is neither a part of something nor called
_FREE = re.compile(r"(?<![\w.$])[A-Za-z_]\w*(?!\w|\s*\()")
_WORDS = frozenset({"and", "or", "not", "in", "true", "false", "null", "time"})


def read(name: str, text: str, kinds: Kinds, decision: str = "") -> Table:
    """A table from the text of a DMN file, with those that it requires.

    Raises:
        TableError: it has no such decision, or a rule of it is wrong; the message says which one.
    """
    if "<!DOCTYPE" in text:
        raise TableError(f"{name} has a DOCTYPE, which a diagram has no need of; remove it")
    try:
        root = ET.fromstring(text.encode())
    except ET.ParseError as error:
        raise TableError(f"{name} is no XML: {error}") from None
    if not root.tag.endswith("}definitions") or "/DMN/" not in root.tag:
        raise TableError(f"{name} is no DMN: its root is {root.tag.rpartition('}')[2]}")
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    found = {each.get("id", ""): each for each in root.iter("decision")}
    return _Reader(name, found, kinds).table(_chosen(name, found, decision))


def _chosen(name: str, found: dict[str, ET.Element], decision: str) -> str:
    """The id of the decision that is meant: where none is named, the one that no other requires."""
    if decision:
        for key, element in found.items():
            if decision in (key, element.get("name")):
                return key
        raise TableError(f"{name} has no decision {decision!r}; it has: {', '.join(found) or 'none'}")
    required = {href for element in found.values() for href in _required(element)}
    tops = [key for key in found if key not in required]
    if len(tops) != 1:
        raise TableError(f"{name} has {len(tops)} decisions: name one, as in decision={(tops or ['…'])[0]!r}")
    return tops[0]


def _required(element: ET.Element) -> list[str]:
    return [each.get("href", "").rpartition("#")[2] for each in element.iter("requiredDecision")]


class _Reader:
    """Reads the decisions of one file.

    Args:
        found: their elements by their ids.
    """

    def __init__(self, name: str, found: dict[str, ET.Element], kinds: Kinds) -> None:
        self._name, self._found, self._kinds = name, found, kinds
        outputs = (self._output(each, out).name for each in found.values() for out in each.iter("output"))
        #: the columns of results of which a row has an expression
        self._worked_out: set[str] = set()
        self._known = {*kinds, *outputs} if kinds else set()

    def table(self, key: str, below: tuple[str, ...] = ()) -> Table:
        """The table of a decision.

        Args:
            below: the decisions that require it.
        """
        if key in below:
            raise TableError(f"{self._name}: {' requires '.join((*below, key))}, a circle")
        decision = self._found.get(key)
        if decision is None:
            raise TableError(f"{self._name}: {below[-1]} requires {key}, which is not in the file")
        name = self._name if len(self._found) == 1 else f"{self._name}#{key}"
        table = decision.find("decisionTable")
        if table is None:
            raise TableError(f"{name}: the decision has no table; other logic than tables is not read")
        inputs = [self._input(name, each) for each in table.findall("input")]
        outputs = [self._output(decision, each) for each in table.findall("output")]
        policy = table.get("hitPolicy", "UNIQUE").upper()
        aggregation = table.get("aggregation", "").upper()
        if policy not in POLICIES or (aggregation and aggregation not in AGGREGATIONS):
            raise TableError(
                f"{name}: hit policy {policy} {aggregation} is not known; use {', '.join(POLICIES)}"
            )
        rules = [
            self._rule(f"{name}, rule {number}", f"rule {number}", rule, inputs, outputs)
            for number, rule in enumerate(table.findall("rule"), 1)
        ]
        if not rules or not outputs:
            raise TableError(f"{name}: the table has no {'rules' if outputs else 'output'}")
        defaults = [each.find("defaultOutputEntry") for each in table.findall("output")]
        results = tuple(
            self._result(f"{name}, default", _text(each), column.name)
            for each, column in zip(defaults, outputs, strict=True)
            if each is not None
        )
        return Table(
            name,
            tuple(inputs),
            tuple(outputs),
            tuple(rules),
            policy,
            aggregation,
            tuple(self.table(each, (*below, key)) for each in _required(decision)),
            results if len(results) == len(outputs) else (),
            frozenset(self._worked_out),
            self._ranks(name, table, policy, outputs, rules),
        )

    def _ranks(
        self, name: str, table: ET.Element, policy: str, outputs: list[Column], rules: list[Rule]
    ) -> tuple[tuple[Any, ...], ...]:
        """The values of each column of results in the order of their importance, where the hit policy goes by it."""
        if policy not in RANKED:
            return ()
        texts = [_text(each.find("outputValues")).strip() for each in table.findall("output")]
        if not any(texts):
            mend = 'list them in the order of their importance, as in "high", "low"'
            raise TableError(
                f"{name}: hit policy {policy} goes by the values of an output, and none has any; {mend}"
            )
        ranks = tuple(
            tuple(
                self._literal(f"{name}, values of {column.name}", part, column.name)
                for part in cells.parts(text)
            )
            if text
            else ()
            for text, column in zip(texts, outputs, strict=True)
        )
        for rule in rules:
            for column, result, values in zip(outputs, rule.results, ranks, strict=True):
                if values and column.name not in self._worked_out and result({}) not in values:
                    raise TableError(
                        f"{name}, {rule.place}, {column.name}: {result({})!r} is not among the values of the output, "
                        f"by which hit policy {policy} goes; add it to them"
                    )
        return ranks

    def _literal(self, place: str, text: str, column: str) -> Any:
        kind = self._kinds.get(column, ANY)
        try:
            return cells.fitted(cells.literal(text, kind, strict=True), kind)
        except cells.Odd as error:
            raise TableError(f"{place}: {error}") from None

    def _input(self, name: str, element: ET.Element) -> Column:
        expression = element.find("inputExpression")
        text = _text(expression).strip() if expression is not None else ""
        text = text or element.get("label", "")
        if _NAME.fullmatch(text):
            return Column(text)
        place = f"{name}, input {element.get('label') or text}"
        self._check_names(place, text)
        return Column(text, _expression(place, text))

    def _check_names(self, place: str, text: str) -> None:
        """Refuse names in an expression that nothing has a value for: a text without its quotes."""
        if not self._known:
            return
        for found in _FREE.finditer(re.sub(r'"[^"]*"', '""', text)):
            if found[0] not in self._known and found[0] not in _WORDS:
                mend = guess(found[0], self._known, "", all_known=False)
                raise TableError(
                    f"{place}: {text} names {found[0]}, which has no value{mend}; texts stand in quotes"
                )

    def _output(self, decision: ET.Element, element: ET.Element) -> Column:
        variable = decision.find("variable")
        names = [
            element.get("name"),
            variable.get("name") if variable is not None else None,
            decision.get("id"),
        ]
        return Column(next(name for name in names if name))

    def _rule(
        self, place: str, short: str, rule: ET.Element, inputs: list[Column], outputs: list[Column]
    ) -> Rule:
        tests = [_text(each) for each in rule.findall("inputEntry")]
        results = [_text(each) for each in rule.findall("outputEntry")]
        if (len(tests), len(results)) != (len(inputs), len(outputs)):
            raise TableError(f"{place}: has other cells than the table has columns")
        return Rule(
            short,
            tuple(
                self._test(f"{place}, {column.name}", text, column)
                for text, column in zip(tests, inputs, strict=True)
            ),
            tuple(
                self._result(f"{place}, {column.name}", text, column.name)
                for text, column in zip(results, outputs, strict=True)
            ),
        )

    def _test(self, place: str, text: str, column: Column) -> Test | None:
        kind = ANY if column.read is not None else self._kinds.get(column.name, ANY)
        try:
            return cells.test(text, kind, strict=True)
        except cells.Odd as error:
            if not _beyond(text):
                raise TableError(f"{place}: {error}") from None
            self._check_names(place, text)
            return _unary(place, text, str(error))

    def _result(self, place: str, text: str, column: str) -> Result:
        kind = self._kinds.get(column, ANY)
        if not text.strip():
            return lambda values: None
        try:
            value = cells.fitted(cells.literal(text, kind, strict=True), kind)
        except cells.Odd as error:
            if not _beyond(text):
                raise TableError(f"{place}: {error}") from None
            self._check_names(place, text)
            work_out = _expression(place, text, str(error))
            self._worked_out.add(column)
            return lambda values: cells.fitted(_exact(work_out(values), kind), kind)
        return lambda values: value


def _beyond(text: str) -> bool:
    """Whether a cell is more than a literal that is wrong."""
    return bool(re.search(r"[A-Za-z_$]", re.sub(r'"[^"]*"', "", text))) or bool(
        re.search(r"\d\s*[-+*/]", text)
    )


def _text(element: ET.Element | None) -> str:
    text = None if element is None else element.find("text")
    return "" if text is None else "".join(text.itertext())


# -- what zen-engine evaluates ---------------------------------------------------------------------------------


def _zen(place: str, text: str, why: str) -> Any:
    try:
        return importlib.import_module("zen")
    except ImportError:
        reason = f" ({why})" if why else ""
        raise TableError(
            f"{place}: {text} is an expression{reason}; these need pip install 'flask-flow-portal[dmn]'"
        ) from None


def _expression(place: str, text: str, why: str = "") -> Result:
    """What works a value out of the others."""
    zen = _zen(place, text, why)
    text = _spelt(text)
    compiled = _called(place, text, lambda: zen.compile_expression(text))
    return lambda values: _called(place, text, lambda: compiled.evaluate(_context(text, values)))


def _unary(place: str, text: str, why: str) -> Test:
    """A test beyond S-FEEL's simple ones."""
    zen = _zen(place, text, why)
    text = _spelt(text)
    _called(place, text, lambda: zen.compile_unary_expression(text))

    def test(value: Any, values: Mapping[str, Any]) -> bool:
        context = {**_context(text, values), "$": _simple(value)}
        return bool(_called(place, text, lambda: zen.evaluate_unary_expression(text, context)))

    return test


def _called(place: str, text: str, call: Any) -> Any:
    """Call zen-engine; its error without the stack of its own."""
    try:
        return call()
    except RuntimeError as error:
        source = re.search(r'"source":"([^"]*)"', str(error))
        raise TableError(
            f"{place}: {text}: {source[1] if source else str(error).partition(chr(10))[0]}"
        ) from None


def _spelt(text: str) -> str:
    """FEEL's spelling of moments as zen-engine spells them."""
    return re.sub(r"\b(?:date and time|date)\s*\(", "d(", text)


def _context(text: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _simple(values[name]) for name in set(_NAME.findall(text)) if name in values}


def _simple(value: Any) -> Any:
    """A value as zen-engine takes it."""
    value = cells.plain(value)
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _exact(value: Any, kind: Kind) -> Any:
    """A result of zen-engine, whose numbers are floats, as the column's kind has it."""
    if isinstance(value, float) and not isinstance(value, bool):
        return Decimal(repr(value)).normalize() + 0 if kind.type is not float else Decimal(repr(value))
    return value
