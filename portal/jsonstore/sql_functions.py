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


class _Parts(dict[str, str]):
    """The SQL of what a function is given, by the names in its template: each is written where it is asked for."""

    def __init__(self, element: Any, compiler: Any, options: dict[str, Any]) -> None:
        super().__init__()
        self._element, self._compiler, self._options = element, compiler, options

    def __missing__(self, name: str) -> str:
        written: str = self._compiler.process(self._part(name), **self._options)
        return self.setdefault(name, written)

    def _part(self, name: str) -> Any:
        match name:
            case "given":
                return self._element.clauses
            case "values" | "wanted":
                return list(self._element.clauses)[name == "wanted"]
            case "document":
                return self._element.element.left
            case "path":
                return self._element.element.right
            case "text":
                return self._element.element.as_string()
        return self._element.element


def _compile(templates: dict[Any, str], *dialects: str) -> None:
    for function, template in templates.items():

        def write(element: Any, compiler: Any, template: str = template, **options: Any) -> str:
            return template.format_map(_Parts(element, compiler, options))

        compiles(function, *dialects)(write)


#: what `print(statement)` shows, which knows no database
_compile(
    {
        each: f"{each.name}({{given}})"
        for each in (kind_of, number_of, flag_of, value_of, uuid_of, has_element, json_literal)
    }
)
_compile(
    {
        kind_of: "json_type({document}, {path})",
        number_of: "CAST(json_extract({document}, {path}) AS NUMERIC)",
        flag_of: "CASE json_type({document}, {path}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
        value_of: "nullif(json_quote(json_extract({document}, {path})), 'null')",
        uuid_of: "replace(json_extract({document}, {path}), '-', '')",
        has_element: "EXISTS (SELECT 1 FROM json_each({values}) WHERE value = json_extract({wanted}, '$'))",
        # The same way through the database's own writer as the stored value: equal values get equal text.
        json_literal: "json_quote(json_extract({given}, '$'))",
    },
    "sqlite",
)
_compile(
    {
        kind_of: "jsonb_typeof({place})",
        number_of: "CASE WHEN jsonb_typeof({place}) = 'number' OR jsonb_typeof({place}) = 'string' "
        "AND ({text}) ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST({text} AS NUMERIC) END",
        flag_of: "CASE WHEN jsonb_typeof({place}) = 'boolean' THEN CAST({text} AS BOOLEAN) END",
        value_of: "nullif({place}, 'null'::jsonb)",
        uuid_of: "CASE WHEN ({text}) ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' "
        "THEN CAST({text} AS UUID) END",
        has_element: "coalesce({values} @> {wanted}, false)",
        json_literal: "{given}",
    },
    "postgresql",
)
