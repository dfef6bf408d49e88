"""The SQL side of a field: the value in the document as a typed expression, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Boolean, Dialect, Double, Numeric, String, Uuid, case, cast, literal, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import BindParameter, ColumnElement
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from .document import in_order
from .sql_functions import flag_of, has_element, json_literal, kind_of, number_of, uuid_of, value_of

if TYPE_CHECKING:
    from .field import Field


class TextType(TypeDecorator[Any]):
    """A field kept as text."""

    impl = String
    cache_ok = True

    def __init__(self, field: Field[Any, Any, Any]) -> None:
        super().__init__()
        self.field = field

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        # A text is compared as it stands: it may be a pattern or a part.
        return value if value is None or type(value) is str else self.field.sql_value(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return self.field.from_json(value)


class NumberType(UserDefinedType[Any]):
    """A field that sorts as a number.

    Exact numbers travel as text, which no driver rounds; those in floating point as they are, for SQLite misreads the
    last digit of some texts.
    """

    cache_ok = True

    def __init__(self, field: Field[Any, Any, Any], binary: bool = False) -> None:
        self.field = field
        self.binary = binary

    def get_col_spec(self, **options: Any) -> str:
        return "NUMERIC"

    def bind_processor(self, dialect: Dialect) -> Any:
        made: Callable[[Any], Any] = float if self.binary else _digits
        return lambda value: None if value is None else made(self.field.sql_value(value))

    def literal_processor(self, dialect: Dialect) -> Any:
        return lambda value: f"'{_digits(self.field.sql_value(value))}'"

    def bind_expression(self, bindvalue: BindParameter[Any]) -> ColumnElement[Any]:
        return cast(bindvalue, Double() if self.binary else Numeric())

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return self.field.from_sql_number

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return self


def _digits(value: Any) -> str:
    # Zero first: 0E-1000000 is more than a database takes.
    return str(int(value)) if not value or isinstance(value, bool) else str(value)


class UUIDType(TypeDecorator[Any]):
    """A field kept as the text of a UUID; it compares with columns of UUIDs too."""

    impl = Uuid
    cache_ok = True

    def __init__(self, field: Field[Any, Any, Any]) -> None:
        super().__init__()
        self.field = field

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or isinstance(value, uuid.UUID):
            return value
        return uuid.UUID(value if isinstance(value, str) else self.field.sql_value(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self.field.from_json(str(value))


class ValueType(TypeDecorator[Any]):
    """A field kept as a JSON container or as a value of any kind."""

    impl = JSON
    cache_ok = True

    class comparator_factory(TypeDecorator.Comparator[Any], JSON.Comparator[Any]):
        def contains(self, other: Any, **options: Any) -> ColumnElement[bool]:
            """Whether the list has this element: a scalar, or an object that a reference points at."""
            element = self.type.field.element(other)  # type: ignore[attr-defined]
            kind = JSON().with_variant(JSONB(), "postgresql")
            return has_element(self.expr, literal(element, kind))

        def __getitem__(self, index: Any) -> ColumnElement[Any]:
            """A part of the value; of an embedded document the field of that name, with its type."""
            field = self.type.field.part(index)  # type: ignore[attr-defined]
            if field is not None:
                return expression(field, _as_json(self.expr))
            found: ColumnElement[Any] = super().__getitem__(index)  # type: ignore[no-untyped-call]
            return found

    def __init__(self, field: Field[Any, Any, Any]) -> None:
        super().__init__()
        self.field = field

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = JSONB if dialect.name == "postgresql" else JSON
        return dialect.type_descriptor(kind(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else in_order(self.field.sql_value(value), dialect)

    def process_literal_param(self, value: Any, dialect: Dialect) -> str:
        quote: Any = String().literal_processor(dialect)  # type: ignore[no-untyped-call]
        quoted: str = quote(json.dumps(self.process_bind_param(value, dialect)))
        return f"{quoted}::JSONB" if dialect.name == "postgresql" else quoted

    def bind_expression(self, bindvalue: BindParameter[Any]) -> ColumnElement[Any]:
        return json_literal(bindvalue)


def _as_json(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return type_coerce(value, JSON().with_variant(JSONB(), "postgresql"))


def expression(field: Field[Any, Any, Any], document: Any) -> ColumnElement[Any]:
    """The field's value in the JSON column `document`, with the default where nothing is stored."""
    place = document[field.path if len(field.path) > 1 else field.path[0]]
    # Written out: a parameter would make the expression in GROUP BY another one than that in SELECT.
    place.right = place.right.render_literal_execute()
    kind = field.sql_kind
    value: ColumnElement[Any]
    result_type: TypeEngine[Any]
    if kind == "number":
        value, result_type = number_of(place), NumberType(field)
    elif kind == "float":
        value, result_type = cast(number_of(place), Double()), NumberType(field, binary=True)
    elif kind == "boolean":
        value, result_type = flag_of(place), Boolean()
    elif kind == "uuid":
        value, result_type = uuid_of(place), UUIDType(field)
    elif kind == "json":
        value, result_type = value_of(place), ValueType(field)
    else:
        value, result_type = place.as_string(), TextType(field)
    default = field.initial()
    if default is not None:
        value = case(
            (kind_of(place).is_(None), literal(default, result_type, literal_execute=True)), else_=value
        )
    return type_coerce(value, result_type).label(field.name)
