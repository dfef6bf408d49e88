"""`among(column, keys)`: a few keys in a very large table, read from an index in the order of the keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class among(FunctionElement[bool]):
    """`key IN (query)`, for a whole criterion; as one of several of an OR it is slow where the query finds many.

    PostgreSQL would merge the order of the keys with the query's, through all rows between the first and the last key;
    of an array it looks up one key after the other, in their order, until a page is full.

    Args:
        key: an indexed column.
        query: a scalar subquery for keys.
    """

    type = Boolean()
    inherit_cache = True


@compiles(among)
def _as_query(element: Any, compiler: Any, **kwargs: Any) -> str:
    key, query = element.clauses
    return f"{compiler.process(key, **kwargs)} IN {compiler.process(query, **kwargs)}"


@compiles(among, "postgresql")
def _as_array(element: Any, compiler: Any, **kwargs: Any) -> str:
    key, query = element.clauses
    return f"{compiler.process(key, **kwargs)} = ANY (ARRAY{compiler.process(query, **kwargs)})"
