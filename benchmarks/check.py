"""How long the check of a flow of 50 nodes takes when its class is made. Less than 50 ms.

python benchmarks/check.py
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from portal import flow, this

#: nodes of a flow, times that each is made
SIZE, ROUNDS = 50, 9
TARGET = 50


def line() -> dict[str, Any]:
    return {f"n{i}": flow.ManualTask().Next(getattr(this, f"n{i + 1}")) for i in range(SIZE)}


def choices() -> dict[str, Any]:
    """Each leads on or back."""
    return {
        f"n{i}": flow.If(bool).Then(getattr(this, f"n{i + 1}")).Else(getattr(this, f"n{i // 2}"))
        for i in range(SIZE)
    }


def wide() -> dict[str, Any]:
    split = flow.Split()
    for i in range(1, SIZE - 1):
        split.Next(getattr(this, f"n{i}"))
    last = getattr(this, f"n{SIZE - 1}")
    tasks = {f"n{i}": flow.ManualTask().Next(last) for i in range(1, SIZE - 1)}
    return {"n0": split, **tasks, f"n{SIZE - 1}": flow.Join().Next(getattr(this, f"n{SIZE}"))}


def nested() -> dict[str, Any]:
    """Splits within splits, each with its Join."""
    deep = SIZE // 2
    splits = {
        f"n{i}": flow.Split().Next(getattr(this, f"n{i + 1}")).Next(getattr(this, f"n{SIZE - 1 - i}"))
        for i in range(deep)
    }
    joins = {f"n{i}": flow.Join().Next(getattr(this, f"n{i + 1}")) for i in range(deep, SIZE)}
    return splits | joins


def made(nodes: dict[str, Any]) -> None:
    body = {"start": flow.StartHandle().Next(this.n0), **nodes, f"n{SIZE}": flow.End()}
    type(flow.Flow)("LargeFlow", (flow.Flow,), body)


def main() -> None:
    for shape in (line, choices, wide, nested):
        took = []
        for _ in range(ROUNDS):
            nodes = shape()
            begin = time.perf_counter()
            made(nodes)
            took.append((time.perf_counter() - begin) * 1000)
        median = statistics.median(took)
        print(f"{shape.__name__:10}{median:8.1f} ms{'' if median < TARGET else f'   more than {TARGET}'}")


if __name__ == "__main__":
    main()
