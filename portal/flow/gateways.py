"""Gateways: nodes that choose a way, split a token into branches, and join branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from .base import Call, Edge, NextNode, Node, Target, checked_data, checked_list
from .callables import Called
from .outcome import Done, Outcome, Wait, Way
from .reference import Reference

if TYPE_CHECKING:
    from portal.models import Task

    from .activation import Activation


class If(Node):
    """One of two branches. BPMN: exclusive gateway.

    Args:
        condition: `act.process.…`, a function, a lambda or `this.method`; it gets the activation.
    """

    decides: ClassVar[bool] = True

    def __init__(self, condition: Call) -> None:
        super().__init__()
        self.condition = condition

    def Then(
        self,
        node: Target,
        task_data: Call | None = None,
        task_seed: Call | None = None,
        *,
        label: str = "Yes",
    ) -> Self:
        """Where to go if the condition holds.

        Args:
            node: `this.name`, or a node declared above.
            task_data: a callable of the activation; the mapping that it returns is the next task's `data`.
            task_seed: a callable of the activation; the mapped object that it returns is the next task's `seed`.
            label: the words on the picture.
        """
        return self._way(node, "then", text=label, task_data=task_data, task_seed=task_seed)

    def Else(
        self, node: Target, task_data: Call | None = None, task_seed: Call | None = None, *, label: str = "No"
    ) -> Self:
        """Where to go otherwise; the arguments are those of `Then`."""
        return self._way(node, "else", text=label, task_data=task_data, task_seed=task_seed)

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        yield Called("its condition", self.condition)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        for kind in ("then", "else"):
            count = sum(edge.kind == kind for edge in self._declared)
            if count != 1:
                yield f"has {count or 'no'} .{kind.capitalize()}(…); an If needs one .Then() and one .Else()"

    def enter(self, activation: Activation) -> Outcome:
        kind = "then" if self.call(self.condition, activation) else "else"
        return Done(tuple(self.way(edge, activation) for edge in self.outgoing if edge.kind == kind))


class Switch(Node):
    """The first branch whose condition holds. BPMN: exclusive gateway."""

    decides: ClassVar[bool] = True

    def Case(
        self,
        node: Target,
        cond: Call,
        task_data: Call | None = None,
        task_seed: Call | None = None,
        *,
        label: str = "",
    ) -> Self:
        """Where to go if the condition holds and no earlier one did.

        Args:
            node: `this.name`, or a node declared above.
            cond: `act.process.…`, a function, a lambda or `this.method`; it gets the activation.
            task_data: a callable of the activation; the mapping that it returns is the next task's `data`.
            task_seed: a callable of the activation; the mapped object that it returns is the next task's `seed`.
            label: the words on the picture.
        """
        return self._way(node, "case", condition=cond, text=label, task_data=task_data, task_seed=task_seed)

    def Default(
        self,
        node: Target,
        task_data: Call | None = None,
        task_seed: Call | None = None,
        *,
        label: str = "otherwise",
    ) -> Self:
        """Where to go if no condition holds; the arguments are those of `Case`. Without it the task fails then."""
        return self._way(node, "default", text=label, task_data=task_data, task_seed=task_seed)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not any(edge.kind == "case" for edge in self._declared):
            yield "is a gateway without branches: add .Case(this.node, condition)"
        if sum(edge.kind == "default" for edge in self._declared) > 1:
            yield "has two .Default(…); keep one"

    def enter(self, activation: Activation) -> Outcome:
        for edge in sorted(self.outgoing, key=lambda edge: edge.kind == "default"):
            if edge.condition is None or self.call(edge.condition, activation):
                return Done((self.way(edge, activation),))
        raise ValueError("no case holds and there is no .Default(…)")


class Split(Node):
    """Parallel branches, each with a token of its own. BPMN: parallel gateway; inclusive where a branch has a case."""

    splits: ClassVar[bool] = True

    def Next(
        self,
        node: Target,
        case: Call | None = None,
        task_data_source: Call | None = None,
        task_seed_source: Call | None = None,
        task_data: Call | None = None,
        task_seed: Call | None = None,
        *,
        label: str = "",
    ) -> Self:
        """Add a branch.

        Args:
            node: where it begins.
            case: the branch is taken only if this holds.
            task_data_source: returns mappings; one task is made for each, with it as its `data`.
            task_seed_source: returns mapped objects; one task is made for each, with it as its `seed`. Both
                sources on one branch go in step.
            task_data: the mapping that the branch's one task gets.
            task_seed: the object that the branch's one task gets.
            label: the words on the picture.
        """
        self._sources[len(self._declared)] = (task_data_source, task_seed_source)
        return self._way(
            node,
            condition=case,
            text=label,
            task_data=task_data,
            task_seed=task_seed,
            multiple=task_data_source is not None or task_seed_source is not None,
        )

    def Always(
        self,
        node: Target,
        *,
        task_data_source: Call | None = None,
        task_seed_source: Call | None = None,
        task_data: Call | None = None,
        task_seed: Call | None = None,
        label: str = "",
    ) -> Self:
        """Add a branch that is always taken; its arguments are those of `Next`."""
        return self.Next(node, None, task_data_source, task_seed_source, task_data, task_seed, label=label)

    def __init__(self) -> None:
        super().__init__()
        self._sources: dict[int, tuple[Call | None, Call | None]] = {}

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        for sources in self._sources.values():
            for name, source in zip(("task_data_source", "task_seed_source"), sources, strict=True):
                if source is not None:
                    yield Called(name, source, many=True)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not self._declared:
            yield "is a gateway without branches: add .Next(this.node)"

    @property
    def item_ways(self) -> tuple[Edge, ...]:
        found = (edge for n, edge in enumerate(self.outgoing) if self._takes_data(n))
        return tuple(edge for edge in found if not edge.target.merges)

    def _takes_data(self, number: int) -> bool:
        """Whether a branch's items are data alone: an object of a seed source is none that somebody could write."""
        data_source, seed_source = self._sources.get(number, (None, None))
        return data_source is not None and seed_source is None

    def enter(self, activation: Activation) -> Outcome:
        ways: list[Way] = []
        for number, edge in enumerate(self.outgoing):
            if edge.condition is None or self.call(edge.condition, activation):
                ways.extend(self._branches(number, edge, activation))
        return Done(tuple(ways), splits=True, empty=not ways)

    def _branches(self, number: int, edge: Any, activation: Activation) -> Iterator[Way]:
        data_source, seed_source = self._sources.get(number, (None, None))
        if data_source is None and seed_source is None:
            yield self.way(edge, activation)
            return
        data, seeds = (
            None if source is None else checked_list(said, self.call(source, activation))
            for said, source in (("task_data_source", data_source), ("task_seed_source", seed_source))
        )
        count = len(data if data is not None else seeds or ())
        if data is not None and seeds is not None and len(data) != len(seeds):
            raise ValueError(f"task_data_source gave {len(data)} items and task_seed_source {len(seeds)}")
        for i in range(count):
            item: Mapping[str, Any] | None = checked_data(data[i]) if data is not None else None
            yield Way(edge, item, seeds[i] if seeds is not None else None)


class SplitFirst(Node):
    """The first branch to finish its first task wins; the others are cancelled. BPMN: event-based gateway."""

    splits: ClassVar[bool] = True
    races: ClassVar[bool] = True

    def Next(
        self, node: Target, task_data: Call | None = None, task_seed: Call | None = None, *, label: str = ""
    ) -> Self:
        """Add a branch to the race; the arguments are those of `NextNode.Next`."""
        return self._way(node, task_data=task_data, task_seed=task_seed, text=label)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if len(self._declared) < 2:
            yield "is a race without rivals: add two or more .Next(this.node)"

    def enter(self, activation: Activation) -> Outcome:
        return Wait("STARTED", ways=self.proceed(activation).ways)

    def resume(self, activation: Activation) -> Outcome:
        return Done(ways=())


#: asked with the activation and the tasks of the other branches
JoinCondition = Callable[["Activation[Any]", "list[Task]"], Any] | Reference


class Join(NextNode):
    """Waits for every branch of its split that can still arrive. BPMN: parallel gateway, joining.

    Args:
        continue_on_condition: `(activation, active_tasks) -> bool`, asked at each arrival; true lets it go on early.
        cancel_active: cancel the branches that are still open when it goes on early. Without it they arrive
            silently later.
        count: go on early when so many branches are in.
        blocking: in a loop, go on only when all branches of the earlier runs of the split are in.
    """

    merges: ClassVar[bool] = True

    def __init__(
        self,
        continue_on_condition: JoinCondition | None = None,
        cancel_active: bool = True,
        *,
        count: int | None = None,
        blocking: bool = False,
    ) -> None:
        super().__init__()
        self.continue_on_condition = continue_on_condition
        self.cancel_active = cancel_active
        self.count, self.blocking = count, blocking

    @property
    def partial(self) -> bool:
        """Whether it may go on before every branch is in."""
        return self.continue_on_condition is not None or self.count is not None

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        if self.continue_on_condition is not None:
            yield Called("continue_on_condition", self.continue_on_condition, ("activation", "active_tasks"))

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if self.count is not None and (not isinstance(self.count, int) or self.count < 1):
            yield f"Join(count=…) takes a number from 1, not {self.count!r}; write Join(count=1)"
        if self.blocking and (self.cancel_active or not self.partial):
            yield "Join(blocking=True) waits for late branches: add cancel_active=False, and a count or condition"

    def enter(self, activation: Activation) -> Outcome:
        return Wait("STARTED")

    def goes_on(self, activation: Activation) -> bool:
        """Whether the join goes on now, with the branches that are still active."""
        arrived = sum(task.status == "DONE" for task in activation.task.previous)
        if self.count is not None and arrived >= self.count:
            return True
        if self.continue_on_condition is None:
            return False
        return bool(self.call(self.continue_on_condition, activation, activation.active_tasks))
