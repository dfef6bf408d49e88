"""Stores durations in buckets, each 5 % wider than the one before: percentiles are at most 2.5 % off."""

from __future__ import annotations

import math
from collections.abc import Mapping

#: how much wider each bucket is than the one before
GROWTH = 1.05
_STEP = math.log(GROWTH)


def bucket(seconds: float) -> int:
    """The number of the bucket of a span. All below a second are in bucket 0."""
    return 0 if seconds < 1 else 1 + math.floor(math.log(seconds) / _STEP)


def middle(number: int) -> float:
    """The span, in seconds, that is by the same factor away from both ends of a bucket; half a second of the first."""
    return 0.5 if number == 0 else GROWTH ** (number - 0.5)


def percentile(buckets: Mapping[int, int], part: float) -> float | None:
    """The shortest span that at least this part of all do not exceed (the nearest rank).

    Args:
        buckets: how many are in each.
        part: from 0 to 1.

    Returns:
        Seconds, at most 2.5 % off (half a second below one second); None if there are none.
    """
    rank = max(1, math.ceil(part * sum(buckets.values()) - 1e-9))
    for number in sorted(buckets):
        rank -= buckets[number]
        if rank <= 0 and buckets[number]:
            return middle(number)
    return None
