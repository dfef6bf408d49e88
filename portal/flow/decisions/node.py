"""`DecisionTable`: a business rule that a table decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..base import Call
from ..boundary import Activity
from ..callables import Called, guess_field
from ..kinds import ANY, attributes_of, kind_of
from ..outcome import Outcome
from .reading import read
from .table import LISTED, Table, TableError

if TYPE_CHECKING:
    from portal.models import Process

    from ..activation import Activation
    from ..declaration import Flow


class DecisionTable(Activity):
    """Decides by a table, at once: reads fields of the process, and sets others to what the row says. BPMN: business
    rule task.

    Args:
        file: a CSV or a DMN file, beside the module of the flow.
        decision: the id or the name of the decision, where a DMN file has several.
        inputs: callables of the activation for columns that are no fields of the process, by the columns' names.
        undo_func: called with the activation before the task is undone.
    """

    instant: ClassVar[bool] = True

    def __init__(
        self,
        file: str | Path,
        *,
        decision: str = "",
        inputs: Mapping[str, Call] | None = None,
        undo_func: Call | None = None,
    ) -> None:
        super().__init__()
        self.file, self.decision = file, decision
        self.inputs: Mapping[str, Call] = {} if inputs is None else inputs
        self._undo = undo_func

    def bound(self, flow_class: type[Flow], name: str) -> Self:
        node = super().bound(flow_class, name)
        vars(node).pop("table", None)  # the heir's process may have other fields
        return node

    @cached_property
    def table(self) -> Table:
        """The table as it was read. `MyFlow.rates.table.decide({"amount": 5})` asks it in a test.

        Raises:
            TableError: it cannot be read.
        """
        model = self.flow_class.process_class
        kinds = {name: kind_of(value) for name, value in attributes_of(model).items()}
        for name in self.inputs:
            kinds[name] = ANY
        return read(Path(self.place.file).parent / self.file, kinds, self.decision)

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        if isinstance(self.inputs, Mapping):
            for name, call in self.inputs.items():
                yield Called(f"inputs={{{name!r}: …}}", call)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self.file, str | Path) or not str(self.file):
            yield f'DecisionTable() takes the name of a file, as in flow.DecisionTable("rates.csv"), not {self.file!r}'
            return
        if not isinstance(self.inputs, Mapping):
            yield f'inputs= takes callables by names, as in {{"days": this.days}}, not {self.inputs!r}'
            return
        try:
            table = self.table
        except TableError as error:
            yield str(error)
            return
        yield from self._unknown(table)
        yield from self._unfit(table)

    def _unknown(self, table: Table) -> Iterator[str]:
        """Columns that have no field."""
        model = self.flow_class.process_class
        fields = attributes_of(model)
        if model is None:
            yield f"{table.name} reads and sets fields: give the flow a process_class"
            return
        for name in table.needs:
            if name not in fields and name not in self.inputs:
                mend = guess_field(name, model) or f"; declare it, or add inputs={{{name!r}: this.{name}}}"
                yield f"{table.name} asks for {name!r}, which is no field of {model.__name__}{mend}"
        for name in table.sets:
            if name not in fields:
                mend = guess_field(name, model) or "; declare it"
                yield f"{table.name} sets {name!r}, which is no field of {model.__name__}{mend}"

    def _unfit(self, table: Table) -> Iterator[str]:
        """Results that their fields refuse. What an expression works out is seen when it runs."""
        if table.policy in LISTED:
            return
        fields = attributes_of(self.flow_class.process_class)
        for rule in table.rules:
            for column, result in zip(table.outputs, rule.results, strict=True):
                clean = getattr(fields.get(column.name), "clean", None)
                if clean is None or column.name in table.worked_out:
                    continue
                try:
                    clean(result({}))
                except ValueError as error:
                    yield f"{table.name}, {rule.place}, column {column.name}: {error}"

    def enter(self, activation: Activation) -> Outcome:
        process = activation.process
        given = {name: self.call(call, activation) for name, call in self.inputs.items()}
        decided = self.table.decide(_Values(process, given))
        for name, value in decided.values.items():
            setattr(process, name, value)
        task = activation.task
        task.data = {
            **(task.data or {}),
            "_decision": {"table": self.table.name, "rows": list(decided.places)},
        }
        return self.proceed(activation)


class _Values(Mapping[str, Any]):
    """What a table may ask for: the inputs that are given, and the fields of a process."""

    def __init__(self, process: Process, given: Mapping[str, Any]) -> None:
        self._process, self._given = process, given
        self._names = {**attributes_of(type(process)), **given}

    def __getitem__(self, name: str) -> Any:
        if name in self._given:
            return self._given[name]
        if name not in self._names:
            raise KeyError(name)
        return getattr(self._process, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
