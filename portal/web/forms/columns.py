"""From a mapped column or relationship to its input: WTForms-SQLAlchemy's converter with the gaps filled."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, SmallInteger, TypeDecorator
from sqlalchemy.orm import RelationshipProperty
from wtforms_sqlalchemy.orm import ModelConversionError, ModelConverter, converts

from portal import jsonstore
from portal.errors import FlowError

from .choices import SelectField
from .inputs import Required, Rule, UUIDField
from .references import ReferenceField
from .registry import input_for, options_of
from .times import DateTimeLocalField


class ColumnConverter(ModelConverter):
    """A column becomes the input of the typed field that takes the same values."""

    def convert(
        self, model: Any, mapper: Any, prop: Any, field_args: Any = None, db_session: Any = None
    ) -> Any:
        if isinstance(prop, RelationshipProperty):
            return self.converters[prop.direction.name](prop=prop, field_args=self._frame(prop, prop.info))
        column = prop.columns[0]
        options = self._frame(prop, {**column.info, **prop.info}) | {"default": _default(column)}
        empty = options["default"] == "" and not column.nullable
        options["required"] = not column.nullable and not empty
        try:
            converter = self.get_converter(column)
        except ModelConversionError as error:
            raise FlowError(
                f"{model.__name__}.{prop.key}: a column of type {column.type!r} has no form input."
            ) from error
        return converter(model=model, column=column, field_args=options)

    def get_converter(self, column: Any) -> Any:
        try:
            return super().get_converter(column)
        except ModelConversionError:
            if not isinstance(column.type, TypeDecorator):
                raise
            # A type of one's own is entered as what it is stored as.
            return super().get_converter(_Typed(column.type.impl_instance, column.name))

    @staticmethod
    def _frame(prop: Any, info: dict[str, Any]) -> dict[str, Any]:
        label = info.get("label") or prop.key.replace("_", " ").strip().capitalize()
        help_text = info.get("help_text") or prop.doc or ""
        return {"label": label, "help_text": help_text, "validators": info.get("validators", ())}

    @converts("String")
    def conv_String(self, column: Any, field_args: Any, **extra: Any) -> Any:
        return input_for(jsonstore.StringField(max_length=column.type.length, **field_args))

    @converts("Text")
    def conv_Text(self, column: Any, field_args: Any, **extra: Any) -> Any:
        return input_for(jsonstore.TextField(max_length=column.type.length, **field_args))

    @converts("_Binary", "LargeBinary")
    def conv_binary(self, column: Any, field_args: Any, **extra: Any) -> Any:
        return input_for(jsonstore.BinaryField(max_length=column.type.length, **field_args))

    @converts("Boolean")
    def conv_Boolean(self, column: Any, field_args: Any, **extra: Any) -> Any:
        labels = {"labels": column.info["labels"]} if "labels" in column.info else {}
        return input_for(jsonstore.BooleanField(**field_args, **labels))

    @converts("Date")
    def conv_Date(self, field_args: Any, **extra: Any) -> Any:
        return input_for(jsonstore.DateField(**field_args))

    @converts("Time")
    def conv_time(self, field_args: Any, **extra: Any) -> Any:
        return input_for(jsonstore.TimeField(**field_args))

    @converts("DateTime")
    def conv_DateTime(self, column: Any, field_args: Any, **extra: Any) -> Any:
        if isinstance(column.type, TypeDecorator) or column.type.timezone:
            return input_for(jsonstore.DateTimeField(**field_args))
        options = options_of(jsonstore.DateTimeField(**(field_args | {"default": None})))
        options["validators"] = _rules(field_args)
        return DateTimeLocalField(aware=False, **options, **_shown(field_args["default"]))

    @converts("Interval")
    def conv_interval(self, field_args: Any, **extra: Any) -> Any:
        return input_for(jsonstore.DurationField(**field_args))

    @converts("JSON")
    def conv_json(self, field_args: Any, **extra: Any) -> Any:
        return input_for(jsonstore.JSONField(**field_args))

    @converts("Integer")
    def handle_integer_types(self, column: Any, field_args: Any, **extra: Any) -> Any:
        bits = (
            64 if isinstance(column.type, BigInteger) else 16 if isinstance(column.type, SmallInteger) else 32
        )
        limit = 2 ** (bits - 1)
        return input_for(jsonstore.IntegerField(minimum=-limit, maximum=limit - 1, **field_args))

    @converts("Float")
    def conv_float(self, field_args: Any, **extra: Any) -> Any:
        return input_for(jsonstore.FloatField(**field_args))

    @converts("Numeric")
    def handle_decimal_types(self, column: Any, field_args: Any, **extra: Any) -> Any:
        if not column.type.asdecimal:
            return input_for(jsonstore.FloatField(**field_args))
        digits, places = column.type.precision, column.type.scale
        return input_for(jsonstore.DecimalField(max_digits=digits, decimal_places=places, **field_args))

    @converts("Uuid", "UUID")
    def conv_PGUuid(self, column: Any, field_args: Any, **extra: Any) -> Any:
        as_uuid = getattr(column.type, "as_uuid", True)
        options = options_of(jsonstore.UUIDField(**(field_args | {"default": None})))
        options["validators"] = _rules(field_args)
        return UUIDField(as_text=not as_uuid, **options, **_shown(field_args["default"]))

    @converts("Enum")
    def conv_Enum(self, column: Any, field_args: Any, **extra: Any) -> Any:
        members: type[enum.Enum] | None = column.type.enum_class
        if members is None:
            return input_for(jsonstore.ChoiceField(choices=column.type.enums, **field_args))
        options = options_of(jsonstore.JSONField(**(field_args | {"default": None})))
        options["validators"] = _rules(field_args)
        named = [(member, _label(member)) for member in members]
        blank = not field_args["required"] or field_args["default"] is None
        return SelectField(options=named, blank=blank, **options, **_shown(field_args["default"]))

    @converts("MANYTOONE")
    def conv_ManyToOne(self, prop: Any, field_args: Any, **extra: Any) -> Any:
        required = not all(local.nullable for local, _ in prop.local_remote_pairs)
        return self._reference(prop, field_args, required, multiple=False)

    @converts("MANYTOMANY", "ONETOMANY")
    def conv_ManyToMany(self, prop: Any, field_args: Any, **extra: Any) -> Any:
        return self._reference(prop, field_args, required=False, multiple=prop.uselist)

    @staticmethod
    def _reference(prop: Any, field_args: Any, required: bool, multiple: bool) -> Any:
        options = options_of(jsonstore.JSONField(**field_args))
        options["validators"] = _rules({**field_args, "required": required})
        return ReferenceField(model=prop.mapper.class_, multiple=multiple, **options)


class _Typed:
    """As much of a column as the search for a converter looks at."""

    def __init__(self, kind: Any, name: str) -> None:
        self.type = kind
        self.name = name


def _rules(field_args: dict[str, Any]) -> list[Any]:
    """The checks of an input whose value is no field's: something is given, and what the column's `info` names."""
    checks = jsonstore.Field(validators=field_args["validators"]).validators
    return [*([Required()] if field_args["required"] else []), *(Rule(check, {}) for check in checks)]


def _label(member: enum.Enum) -> str:
    return str(getattr(member, "label", None) or member.name.replace("_", " ").capitalize())


def _shown(default: Any) -> dict[str, Any]:
    return {} if default is None else {"default": default}


def _default(column: Any) -> Any:
    """What the column is when nothing is given, as far as that can be known before."""
    default = column.default
    if default is not None and default.is_scalar:
        return default.arg
    if default is not None and default.is_callable:
        return lambda: default.arg(None)
    text = getattr(
        getattr(column.server_default, "arg", None), "text", getattr(column.server_default, "arg", None)
    )
    return None if not isinstance(text, str) else _literal(text.strip().strip("'"), column)


def _literal(text: str, column: Any) -> Any:
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return None
    try:
        if kind is bool:
            return text.lower() in ("1", "true", "t")
        return kind(text) if kind in (str, int, float, Decimal) else None
    except (ValueError, ArithmeticError):
        return None
