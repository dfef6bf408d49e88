"""The SQL side of a field: the value in the document as a typed expression, on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Boolean, Dialect, Double, Numeric, String, case, cast, literal, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import BindParameter, ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

if TYPE_CHECKING:
    from .field import Field


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


class json_literal(FunctionElement[Any]):
    """A JSON parameter in the form that the database compares."""

    type = JSON()
    name = "json_literal"
    inherit_cache = True


def _for_reading(element: Any, compiler: Any, **options: Any) -> str:
    """What `print(statement)` shows, which knows no database."""
    return f"{element.name}({compiler.process(element.clauses, **options)})"


for _function in (kind_of, number_of, flag_of, value_of, json_literal):
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


@compiles(json_literal, "sqlite")
def _literal_sqlite(element: json_literal, compiler: Any, **options: Any) -> str:
    # The same way through the database's own writer as the stored value: equal values get equal text.
    return f"json_quote(json_extract({compiler.process(element.clauses, **options)}, '$'))"


@compiles(json_literal, "postgresql")
def _literal_postgresql(element: json_literal, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


class TextType(TypeDecorator[Any]):
    """A field kept as text."""

    impl = String
    cache_ok = True

    def __init__(self, field: Field[Any]) -> None:
        super().__init__()
        self.field = field

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        # A text is compared as it stands: it may be a pattern or a part.
        return value if value is None or type(value) is str else self.field.sql_value(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return self.field.from_json(value)


class NumberType(UserDefinedType[Any]):
    """A field that sorts as a number. Parameters travel as text: no driver rounds them."""

    cache_ok = True

    def __init__(self, field: Field[Any], binary: bool = False) -> None:
        self.field = field
        self.binary = binary

    def get_col_spec(self, **options: Any) -> str:
        return "NUMERIC"

    def bind_processor(self, dialect: Dialect) -> Any:
        return lambda value: None if value is None else _digits(self.field.sql_value(value))

    def bind_expression(self, bindvalue: BindParameter[Any]) -> ColumnElement[Any]:
        return cast(bindvalue, Double() if self.binary else Numeric())

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return self.field.from_sql_number

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return self


def _digits(value: Any) -> str:
    # Zero first: 0E-1000000 is more than a database takes.
    return str(int(value)) if not value or isinstance(value, bool) else str(value)


class ValueType(TypeDecorator[Any]):
    """A field kept as a JSON container or as a value of any kind."""

    impl = JSON
    cache_ok = True

    def __init__(self, field: Field[Any]) -> None:
        super().__init__()
        self.field = field

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = JSONB if dialect.name == "postgresql" else JSON
        return dialect.type_descriptor(kind(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self.field.sql_value(value)

    def bind_expression(self, bindvalue: BindParameter[Any]) -> ColumnElement[Any]:
        return json_literal(bindvalue)


def expression(field: Field[Any], document: Any) -> ColumnElement[Any]:
    """The field's value in the JSON column `document`, with the default where nothing is stored."""
    place = document[field.path if len(field.path) > 1 else field.path[0]]
    kind = field.sql_kind
    value: ColumnElement[Any]
    result_type: TypeEngine[Any]
    if kind == "number":
        value, result_type = number_of(place), NumberType(field)
    elif kind == "float":
        value, result_type = cast(number_of(place), Double()), NumberType(field, binary=True)
    elif kind == "boolean":
        value, result_type = flag_of(place), Boolean()
    elif kind == "json":
        value, result_type = value_of(place), ValueType(field)
    else:
        value, result_type = place.as_string(), TextType(field)
    default = field.initial()
    if default is not None:
        value = case((kind_of(place).is_(None), literal(default, result_type)), else_=value)
    return type_coerce(value, result_type).label(field.name)
