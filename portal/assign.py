"""Rules of assignment by their public name: `.Assign(assign.RoundRobin())`."""

from portal.flow.assignment import (
    Capability,
    CaseOwner,
    Familiar,
    First,
    ManagerOf,
    Random,
    RoundRobin,
    Rule,
    ShortestQueue,
)

__all__ = [
    "Capability",
    "CaseOwner",
    "Familiar",
    "First",
    "ManagerOf",
    "Random",
    "RoundRobin",
    "Rule",
    "ShortestQueue",
]
