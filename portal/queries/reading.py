"""One page of a list by short reads of indexes, however much there is.

What a person may see is several sets of rows: those of each permission, one's own … A database that is asked for all of
them at once, in an order, reads and sorts them all. Each set alone stands in an index in the order of the list, so the
first rows of each are read from there, and the first of those are the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Integer, and_, false, literal_column, select, union

from portal.models import Process, Task

from .paging import Key, Order, behind

#: a page is in stages: what has the number that is looked for, then what has the words; and of each what has a value in
#: the first column of the order, then what has none
STAGE = Key(literal_column("0", Integer), "stage")


def first_rows(
    model: Any,
    branches: Sequence[Any],
    order: Order,
    criteria: Sequence[Any],
    *,
    words: Sequence[Any] | None = None,
    number: Any = None,
    after: Sequence[Any] | None = None,
    size: int,
) -> Any:
    """A subquery with the ids of the first rows, `size` at most from each branch, and the columns of the order.

    Args:
        model: `Task`, which is joined with its process, or `Process`.
        branches: criteria, each of a set of rows that stands in an index.
        order: the columns of that index that follow.
        criteria: what all rows must fulfil besides.
        words: criteria of what is searched for, each of a set that stands in an index too.
        number: a criterion of what comes before that, whatever the words say.
        after: the values of the last row that was read, the stage first.
    """
    parts = []
    for branch in branches:
        for stage, of_stage in _stages(order, words, number):
            where = [branch, *criteria, *of_stage]
            if after is not None and stage == after[0]:
                without = stage % 2
                where.append(behind(_plain(order)[without:], after[1 + without :]))
            if after is None or stage >= after[0]:
                parts.append(_part(model, stage, where, order, size))
    if not parts:
        parts = [_part(model, 0, [false()], order, size)]
    return union(*parts).subquery() if len(parts) > 1 else parts[0].subquery()


def _plain(order: Order) -> Order:
    return [Key(key.column, key.name, key.descending) for key in order]


def _stages(order: Order, words: Sequence[Any] | None, number: Any) -> Iterator[tuple[int, list[Any]]]:
    """The stages of a page and their criteria, a pair for each way to the words."""
    sets: list[tuple[int, list[Any]]] = [(2, [] if way is None else [way]) for way in words or [None]]
    if number is not None:
        sets = [(0, [number]), *((stage, [*criteria, ~number]) for stage, criteria in sets)]
    first = order[0]
    for stage, criteria in sets:
        if first.nullable:
            yield stage, [*criteria, first.column.is_not(None)]
            yield stage + 1, [*criteria, first.column.is_(None)]
        else:
            yield stage, criteria


def _part(model: Any, stage: int, where: list[Any], order: Order, size: int) -> Any:
    columns = [literal_column(str(stage), Integer).label("stage"), model.id.label("row_id")]
    columns += [key.column.label(f"key_{place}") for place, key in enumerate(order)]
    query = select(*columns)
    if model is Task:
        query = query.join(Process, Process.id == Task.process_id)
    by = [key.column.desc() if key.descending else key.column.asc() for key in order]
    # In a subquery of its own: SQLite takes no LIMIT within a UNION.
    rows = query.where(and_(*where)).order_by(*by).limit(size).subquery()
    return select(*rows.c)


def ordered(rows: Any, order: Order) -> list[Any]:
    """By stage, then by the order; for the whole page."""
    by = [rows.c.stage]
    for place, key in enumerate(order):
        column = rows.c[f"key_{place}"]
        by.append(column.desc() if key.descending else column.asc())
    return by
