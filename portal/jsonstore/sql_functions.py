"""SQL functions of JSON, written out for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, Numeric, String, Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _JSONFunction(FunctionElement[Any]):
    """A function of `document[path]`, written out for each database."""

    inherit_cache = True

    @property
    def element(self) -> Any:
        inner = next(iter(self.clauses))
        return getattr(inner, "element", inner)


class kind_of(_JSONFunction):
    """The JSON type at this place: SQL NULL when nothing is there, 'null' for a JSON null."""

    type = String()
    name = "json_kind_of"
    inherit_cache = True


class number_of(_JSONFunction):
    """A number, also one kept as text; NULL for anything else, which another flow may keep there."""

    type = Numeric()
    name = "json_number_of"
    inherit_cache = True


class flag_of(_JSONFunction):
    """True or false; NULL for anything else."""

    type = Boolean()
    name = "json_flag_of"
    inherit_cache = True


class value_of(_JSONFunction):
    """Any JSON value; SQL NULL for a JSON null."""

    type = JSON()
    name = "json_value_of"
    inherit_cache = True


class uuid_of(_JSONFunction):
    """A UUID as the database keeps its own; NULL for anything else."""

    type = Uuid()
    name = "json_uuid_of"
    inherit_cache = True


class has_element(FunctionElement[bool]):
    """Whether this scalar stands in a JSON list."""

    type = Boolean()
    name = "json_has_element"
    inherit_cache = True


class json_literal(FunctionElement[Any]):
    """A JSON parameter in the form that the database compares."""

    type = JSON()
    name = "json_literal"
    inherit_cache = True


def _for_reading(element: Any, compiler: Any, **options: Any) -> str:
    """What `print(statement)` shows, which knows no database."""
    return f"{element.name}({compiler.process(element.clauses, **options)})"


for _function in (kind_of, number_of, flag_of, value_of, uuid_of, has_element, json_literal):
    compiles(_function)(_for_reading)


def _sqlite_kind(element: _JSONFunction, compiler: Any, **options: Any) -> str:
    place = element.element
    return f"json_type({compiler.process(place.left, **options)}, {compiler.process(place.right, **options)})"


def _sqlite_extract(element: _JSONFunction, compiler: Any, **options: Any) -> str:
    place = element.element
    return (
        f"json_extract({compiler.process(place.left, **options)}, {compiler.process(place.right, **options)})"
    )


@compiles(kind_of, "sqlite")
def _kind_sqlite(element: kind_of, compiler: Any, **options: Any) -> str:
    return _sqlite_kind(element, compiler, **options)


@compiles(kind_of, "postgresql")
def _kind_postgresql(element: kind_of, compiler: Any, **options: Any) -> str:
    return f"jsonb_typeof({compiler.process(element.element, **options)})"


@compiles(number_of, "sqlite")
def _number_sqlite(element: number_of, compiler: Any, **options: Any) -> str:
    return f"CAST({_sqlite_extract(element, compiler, **options)} AS NUMERIC)"


@compiles(number_of, "postgresql")
def _number_postgresql(element: number_of, compiler: Any, **options: Any) -> str:
    kind = _kind_postgresql(element, compiler, **options)  # type: ignore[arg-type]
    text = compiler.process(element.element.as_string(), **options)
    return (
        f"CASE WHEN {kind} = 'number' OR {kind} = 'string' AND ({text}) ~ '^-?[0-9]+([.][0-9]+)?$' "
        f"THEN CAST({text} AS NUMERIC) END"
    )


@compiles(flag_of, "sqlite")
def _flag_sqlite(element: flag_of, compiler: Any, **options: Any) -> str:
    return f"CASE {_sqlite_kind(element, compiler, **options)} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"


@compiles(flag_of, "postgresql")
def _flag_postgresql(element: flag_of, compiler: Any, **options: Any) -> str:
    text = compiler.process(element.element.as_string(), **options)
    kind = _kind_postgresql(element, compiler, **options)  # type: ignore[arg-type]
    return f"CASE WHEN {kind} = 'boolean' THEN CAST({text} AS BOOLEAN) END"


@compiles(value_of, "sqlite")
def _value_sqlite(element: value_of, compiler: Any, **options: Any) -> str:
    return f"nullif(json_quote({_sqlite_extract(element, compiler, **options)}), 'null')"


@compiles(value_of, "postgresql")
def _value_postgresql(element: value_of, compiler: Any, **options: Any) -> str:
    return f"nullif({compiler.process(element.element, **options)}, 'null'::jsonb)"


@compiles(uuid_of, "sqlite")
def _uuid_sqlite(element: uuid_of, compiler: Any, **options: Any) -> str:
    return f"replace({_sqlite_extract(element, compiler, **options)}, '-', '')"


@compiles(uuid_of, "postgresql")
def _uuid_postgresql(element: uuid_of, compiler: Any, **options: Any) -> str:
    text = compiler.process(element.element.as_string(), **options)
    form = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
    return f"CASE WHEN ({text}) ~ '{form}' THEN CAST({text} AS UUID) END"


@compiles(has_element, "sqlite")
def _has_element_sqlite(element: has_element, compiler: Any, **options: Any) -> str:
    values, wanted = (compiler.process(each, **options) for each in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({values}) WHERE value = json_extract({wanted}, '$'))"


@compiles(has_element, "postgresql")
def _has_element_postgresql(element: has_element, compiler: Any, **options: Any) -> str:
    values, wanted = (compiler.process(each, **options) for each in element.clauses)
    return f"coalesce({values} @> {wanted}, false)"


@compiles(json_literal, "sqlite")
def _literal_sqlite(element: json_literal, compiler: Any, **options: Any) -> str:
    # The same way through the database's own writer as the stored value: equal values get equal text.
    return f"json_quote(json_extract({compiler.process(element.clauses, **options)}, '$'))"


@compiles(json_literal, "postgresql")
def _literal_postgresql(element: json_literal, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))
