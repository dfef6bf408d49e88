"""Rules that say who gets a task.

Source: the workflow resource patterns, Russell, van der Aalst, ter Hofstede and Edmond (2005).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from .base import Call


@dataclasses.dataclass(frozen=True)
class Rule:
    """Chooses one of the candidates for a task: the active people who hold its permission, are not away, have room for
    it and are not excluded by `.NotSameAs`. Whom nobody fits leaves the task NEW, and the history says so.

    Args:
        role: only people with this role are candidates.
    """

    _: dataclasses.KW_ONLY
    role: str | None = None

    @property
    def title(self) -> str:
        """What the history calls it."""
        words = "".join(
            f" {letter.lower()}" if letter.isupper() else letter for letter in type(self).__name__
        )
        return words.strip()

    def calls(self) -> Iterator[Call]:
        """What has to be asked of the activation before the rule can choose."""
        yield from ()

    def bound(self, ask: Callable[[Any], Any]) -> Rule:
        """The rule with what the activation says in the place of what it calls."""
        return self

    def faults(self) -> Iterator[str]:
        if not isinstance(self.role, str | None):
            yield f"{type(self).__name__}(role=…) takes the name of a role, not {self.role!r}"


@dataclasses.dataclass(frozen=True)
class RoundRobin(Rule):
    """One candidate after the other, each as often. Pattern 16, Round-Robin Allocation."""


@dataclasses.dataclass(frozen=True)
class ShortestQueue(Rule):
    """Who has the fewest open tasks. Pattern 17, Shortest Queue."""


@dataclasses.dataclass(frozen=True)
class Random(Rule):
    """Any of the candidates, each as likely. Pattern 15, Random Allocation."""


@dataclasses.dataclass(frozen=True)
class Familiar(Rule):
    """Who did the last task of this process. Pattern 7, Retain Familiar."""


@dataclasses.dataclass(frozen=True)
class CaseOwner(Rule):
    """Who did the first task of this process does all of them. Pattern 6, Case Handling."""


@dataclasses.dataclass(frozen=True)
class Capability(Rule):
    """Somebody with a skill. Pattern 8, Capability-Based Distribution.

    Args:
        skill: one of the person's `skills`.
        then: which of those with the skill.
    """

    skill: str = ""
    then: Rule = dataclasses.field(default_factory=RoundRobin)

    def calls(self) -> Iterator[Call]:
        if isinstance(self.then, Rule):
            yield from self.then.calls()

    def bound(self, ask: Callable[[Any], Any]) -> Self:
        return dataclasses.replace(self, then=self.then.bound(ask))

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self.skill, str) or not self.skill:
            yield f'Capability() takes the name of a skill, as in Capability("french"), not {self.skill!r}'
        yield from rule_faults("Capability(then=…)", [self.then])


@dataclasses.dataclass(frozen=True)
class Experienced(Rule):
    """Who has done this step most often of late; of equal ones the next in turn. Pattern 9, History-Based Distribution.

    Args:
        within: how far back what they did counts.
    """

    within: dt.timedelta = dt.timedelta(days=365)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self.within, dt.timedelta) or self.within <= dt.timedelta():
            yield f"Experienced(within=…) takes a span of time, as in timedelta(days=90), not {self.within!r}"


@dataclasses.dataclass(frozen=True)
class ManagerOf(Rule):
    """The manager of a person. Pattern 10, Organisational Distribution.

    Args:
        person: `this.node.owner`, or a callable of the activation that returns a user.
    """

    person: Any = None

    def calls(self) -> Iterator[Call]:
        if self.person is not None:
            yield self.person

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if self.person is None:
            yield "ManagerOf() takes a person, as in ManagerOf(this.start.owner)"

    def bound(self, ask: Callable[[Any], Any]) -> Self:
        return dataclasses.replace(self, person=ask(self.person))


@dataclasses.dataclass(frozen=True, init=False)
class First(Rule):
    """The first of several rules that finds somebody.

    Args:
        rules: in the order in which they are asked.
    """

    rules: tuple[Rule, ...]

    def __init__(self, *rules: Rule, role: str | None = None) -> None:
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "role", role)

    def calls(self) -> Iterator[Call]:
        for rule in self.rules:
            if isinstance(rule, Rule):
                yield from rule.calls()

    def bound(self, ask: Callable[[Any], Any]) -> First:
        return First(*(rule.bound(ask) for rule in self.rules), role=self.role)

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not self.rules:
            yield "First() needs rules, as in First(assign.Familiar(), assign.RoundRobin())"
        yield from rule_faults("First()", self.rules)


def rule_faults(where: str, rules: Any) -> Iterator[str]:
    """What is wrong with rules that stand in a place of a declaration."""
    for rule in rules:
        if isinstance(rule, Rule):
            yield from rule.faults()
        elif isinstance(rule, type) and issubclass(rule, Rule):
            yield f"{where} got the class {rule.__name__}; write assign.{rule.__name__}()"
        else:
            yield f"{where} takes rules of portal.assign, not {rule!r}"
