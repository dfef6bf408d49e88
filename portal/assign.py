"""Rules of assignment by their public name: `.Assign(assign.RoundRobin())`."""

from portal.flow.assignment import (
    Capability,
    CaseOwner,
    Experienced,
    Familiar,
    First,
    ManagerOf,
    Random,
    RoundRobin,
    Rule,
    ShortestQueue,
)

__all__ = [
    "Capability", "CaseOwner", "Experienced", "Familiar", "First", "ManagerOf", "Random", "RoundRobin", "Rule",
    "ShortestQueue",
]  # fmt: skip
