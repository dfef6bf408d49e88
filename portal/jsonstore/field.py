"""What all fields have in common: the descriptor, its place in the document, its default."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Literal, TypedDict, cast, overload

from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import QueryableAttribute
from typing_extensions import TypeVar

from portal.language import gettext as _

from .choices import enum_of, pairs, same_choice
from .place import MISSING, document_of, is_mapped, look_up, mark, path_of
from .plain import plain, same
from .tracking import Tracked, UnstoredDefault

#: the field's value
V = TypeVar("V", default=Any)
#: what is given for `required`, and for `default`: without both the field reads as None too
N = TypeVar("N", Literal[True], Literal[False], bool, default=Literal[False])
D = TypeVar("D", default=None)
Validator = Callable[[Any], Any]
#: a permission, several of which one will do, or a function of a person and the object that has the field
Visibility = str | Sequence[str] | Callable[[Any, Any], bool] | None


class InvalidValue(ValueError):
    """A value that a field does not take.

    Args:
        field: its name.
        fault: what is wrong, for somebody who knows which field it is.
    """

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"{field}: {fault}" if field else fault)
        self.field, self.fault = field, fault


class Options(TypedDict, total=False):
    """What every field may be told beside its label, `required` and `default`."""

    choices: Iterable[Any] | type[enum.Enum] | None
    validators: Iterable[Validator] | Validator
    help_text: str
    json_key: str | Sequence[str] | None
    visible_to: Visibility
    store_default: bool


class Field(hybrid_property[V], Generic[V, N, D]):
    """A typed value in the document `data` of its class.

    On an instance it reads and writes a Python value, on a mapped class it is an SQL expression. Type checkers take a
    field that is required or has a default for one that is never None.

    Args:
        label: for people; made from the attribute's name when left out.
        default: read where nothing is stored. A callable is called, a list or mapping is copied.
        required: a form refuses an empty value. Code may still leave the field empty: it then reads as None.
        choices: pairs (value, label), values, or an Enum, whose values are stored and members read.
        validators: called with every value assigned; they raise ValueError.
        help_text: a sentence beside the field in a form.
        json_key: the key, or the path of keys, in the document; the attribute's name when left out.
        visible_to: who may see the value on pages and in exports: a permission, several of which one will do, or a
            function of a person and the object. Everybody who may see the object, when left out. A form that has the
            field shows it to whoever fills it in.
        store_default: the default is in the document from the start, for whoever reads it without the field.

    Raises:
        InvalidValue: at assignment, for a value that is not of the field's type or not allowed. None always is. It is a
            ValueError that names the field.
    """

    python_type: type = object
    #: how SQL sees the value: text, number, float, boolean or json
    sql_kind = "text"

    def __init__(
        self,
        label: str = "",
        *,
        default: D = None,  # type: ignore[assignment]
        required: N = False,  # type: ignore[assignment]
        choices: Iterable[Any] | type[enum.Enum] | None = None,
        validators: Iterable[Validator] | Validator = (),
        help_text: str = "",
        json_key: str | Sequence[str] | None = None,
        visible_to: Visibility = None,
        store_default: bool = False,
    ) -> None:
        super().__init__(_unnamed)
        self.expr = self._expression
        self.name = ""
        self.label = label
        self.default: Any = default
        self.required: bool = required
        self.validators: list[Validator] = [validators] if callable(validators) else list(validators)
        self.help_text = help_text
        self.visible_to = visible_to
        self.store_default = store_default
        self.enum: type[enum.Enum] | None = enum_of(choices)
        self.choices: list[tuple[Any, str]] | None = None if choices is None else pairs(choices)
        self.json_key = json_key
        self.path: tuple[str, ...] = () if json_key is None else path_of(json_key)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.__name__ = name
        self.label = self.label or name.replace("_", " ").strip().capitalize()
        if self.json_key is None:
            self.path = (name,)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    # -- reading and writing

    @overload  # type: ignore[override]
    def __get__(self: Field[V, Literal[True], Any], instance: None, owner: Any) -> QueryableAttribute[V]: ...
    @overload
    def __get__(self: Field[V, Any, None], instance: None, owner: Any) -> QueryableAttribute[V | None]: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> QueryableAttribute[V]: ...
    @overload
    def __get__(self: Field[V, Literal[True], Any], instance: object, owner: Any = None) -> V: ...
    @overload
    def __get__(self: Field[V, Any, None], instance: object, owner: Any = None) -> V | None: ...
    @overload
    def __get__(self, instance: object, owner: Any = None) -> V: ...

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return super().__get__(None, owner) if is_mapped(owner) else self
        document = document_of(instance)
        stored = look_up(document, self.path)
        if stored is MISSING:
            return self._read_default(instance, document)
        return None if stored is None else self.show(instance, stored)

    @overload  # type: ignore[override]
    def __set__(self: Field[V, Literal[True], Any], instance: object, value: V) -> None: ...
    @overload
    def __set__(self: Field[V, Any, None], instance: object, value: V | None) -> None: ...
    @overload
    def __set__(self, instance: object, value: V) -> None: ...

    def __set__(self, instance: object, value: Any) -> None:
        self._write(instance, self.to_json(self.accept(value)))

    def __delete__(self, instance: object) -> None:
        document = document_of(instance)
        container = look_up(document, self.path[:-1])
        if isinstance(container, dict) and self.path[-1] in container:
            del container[self.path[-1]]
            mark(instance, document)
        if isinstance(document, Tracked):
            document.views.pop(self.path, None)

    def _write(self, instance: object, value: Any) -> None:
        document = document_of(instance, create=True)
        container = document
        for key in self.path[:-1]:
            if container.get(key) is None:
                container[key] = {}
            container = container[key]
            if not isinstance(container, dict):
                raise ValueError(f"{self.name}: `{key}` in the document holds something else.")
        last = self.path[-1]
        if last not in container or not same(container[last], value):
            container[last] = value
            mark(instance, document)
        if isinstance(document, Tracked):
            document.views.pop(self.path, None)

    # -- what a kind of field defines

    def check(self, value: Any) -> Any:
        """The value in its normal form; ValueError if it is not of the field's type."""
        return value

    def dump(self, value: Any) -> Any:
        """As JSON."""
        return value

    def load(self, stored: Any) -> Any:
        """From JSON."""
        return stored

    def show(self, instance: Any, stored: Any) -> Any:
        """What a reader of the attribute gets for the JSON value."""
        return self.from_json(stored)

    # -- values

    def clean(self, value: Any) -> Any:
        """The value as assignment takes it; ValueError says what is wrong with it. None is always right."""
        if value is None:
            return None
        if self.enum is not None:
            value = self._member(value)
        else:
            value = self.check(value)
            if self.choices is not None and not any(same_choice(value, choice) for choice, _ in self.choices):
                raise ValueError(_("%(value)s is not one of the choices.", value=repr(value)))
        for validator in self.validators:
            validator(value)
        return value

    def accept(self, value: Any) -> Any:
        """The value as assignment takes it; an error names the field."""
        try:
            return self.clean(value)
        except ValueError as error:
            raise InvalidValue(self.name, str(error)) from error

    def _member(self, value: Any) -> enum.Enum:
        assert self.enum is not None
        for member in self.enum:
            if value is member or (not isinstance(value, enum.Enum) and same_choice(value, member.value)):
                return member
        raise ValueError(_("%(value)s is not one of the choices.", value=repr(value)))

    def to_json(self, value: Any) -> Any:
        if value is None:
            return None
        if self.enum is not None and isinstance(value, self.enum):
            value = value.value
        return self.dump(value)

    def from_json(self, stored: Any) -> Any:
        if stored is None:
            return None
        try:
            value = self.load(stored)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise ValueError(
                f"{self.name}: the document holds {stored!r}, which cannot be read: {error}"
            ) from error
        if self.enum is not None:
            # A member that the code no longer has reads as its value.
            return next((member for member in self.enum if member.value == value), value)
        return value

    def sql_value(self, value: Any) -> Any:
        """A value that SQL compares the field with, as it is stored."""
        return self.to_json(value)

    def element(self, value: Any) -> Any:
        """A value that SQL looks for in a list that the field holds, as it is stored."""
        return plain(value)

    def part(self, name: Any) -> Field[Any, Any, Any] | None:
        """The field of that name inside the value, if its parts are fields."""
        return None

    def from_sql_number(self, value: Any) -> Any:
        """A number that SQL computed, as the field's type."""
        return value

    # -- default

    def initial(self) -> Any:
        """The default; the result of a callable."""
        return self.default() if callable(self.default) else self.default

    def _read_default(self, instance: object, document: Any) -> Any:
        if self.default is None:
            return None
        if not callable(self.default) and self.sql_kind != "json":
            return self.from_json(self.to_json(self.default)) if self.enum is not None else self.default
        document = document_of(instance, create=True)
        value = self._wait(document).value if isinstance(document, Tracked) else self.to_json(self.initial())
        return None if value is None else self.show(instance, value)

    def _wait(self, document: Tracked) -> UnstoredDefault:
        waiting = document.views.get(self.path)
        if waiting is None:
            waiting = document.views[self.path] = UnstoredDefault(
                document, self.path, self.to_json(self.initial())
            )
        return cast("UnstoredDefault", waiting)

    def keep_default(self, instance: object) -> None:
        """Store what the default's callable says, unless a value is stored already."""
        document = document_of(instance, create=True)
        if look_up(document, self.path) is MISSING:
            waiting = isinstance(document, Tracked)
            value = self._wait(document).value if waiting else self.to_json(self.initial())
            self._write(instance, plain(value))

    # -- SQL

    def _expression(self, owner: Any) -> Any:
        from .sql import expression

        return expression(self, owner.data)


def _unnamed(self: Any) -> Any:
    return None
