"""Fields of single values other than texts, numbers and times; and `JSONField`."""

from __future__ import annotations

import base64
import enum
import re
import uuid
from collections.abc import Iterable
from typing import Any, Self, Unpack, overload
from urllib.parse import quote, unquote

from typing_extensions import TypeVar

from portal.language import gettext as _
from portal.language import lazy_gettext

from .field import D, Field, N, Options
from .plain import plain

#: what true and false are called where a field does not say it
YES_OR_NO: tuple[str, str] = (lazy_gettext("Yes"), lazy_gettext("No"))


class BooleanField(Field[bool, N, D]):
    """True or false.

    Args:
        labels: the words for true and for false, on the two buttons where a form decides it.
    """

    python_type = bool
    sql_kind = "boolean"

    def __init__(
        self,
        label: str = "",
        *,
        labels: tuple[str, str] = YES_OR_NO,
        required: N = False,  # type: ignore[assignment]
        default: D = None,  # type: ignore[assignment]
        **options: Unpack[Options],
    ) -> None:
        super().__init__(label, required=required, default=default, **options)  # type: ignore[arg-type]
        self.labels = labels

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(_("True or False is needed, not %(value)s.", value=repr(value)))
        return value


class UUIDField(Field[uuid.UUID, N, D]):
    """A UUID."""

    python_type = uuid.UUID
    sql_kind = "uuid"

    def check(self, value: Any) -> uuid.UUID:
        if not isinstance(value, uuid.UUID):
            raise ValueError(_("A UUID is needed, not %(__name__)s.", __name__=type(value).__name__))
        return value

    def dump(self, value: Any) -> str:
        return str(value)

    def load(self, stored: Any) -> uuid.UUID:
        return uuid.UUID(stored)


#: a choice; a member of an Enum is stored by its value
C = TypeVar("C", bound=enum.Enum | str | int | float, default=Any)


class ChoiceField(Field[C, N, D]):
    """One of some values.

    Args:
        choices: pairs (value, label), values, or an Enum, whose values are stored and members read.
    """

    @overload
    def __init__(
        self, label: str = "", *, choices: type[C], required: N = ..., default: D = ..., **options: Any
    ) -> None: ...
    @overload
    def __init__(
        self,
        label: str = "",
        *,
        choices: Iterable[tuple[C, str]],
        required: N = ...,
        default: D = ...,
        **options: Any,
    ) -> None: ...
    @overload
    def __init__(
        self, label: str = "", *, choices: Iterable[C], required: N = ..., default: D = ..., **options: Any
    ) -> None: ...

    def __init__(self, label: str = "", *, choices: Any, **options: Any) -> None:
        super().__init__(label, choices=choices, **options)
        values = [value for value, _ in self.choices or ()]
        for value in values:
            if not isinstance(value, (str, int, float)):
                raise ValueError(
                    _(
                        "A choice is stored as a text or a number, not as %(__name__)s.",
                        __name__=type(value).__name__,
                    )
                )
        kinds = {type(value) for value in values}
        self.python_type = self.enum or (kinds.pop() if len(kinds) == 1 else object)
        if values and all(
            isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
        ):
            self.sql_kind = "number"

    def from_sql_number(self, value: Any) -> Any:
        # The database's number is one of the choices in another type.
        known = next(
            (choice for choice, _ in self.choices or () if value is not None and choice == value), value
        )
        return self.from_json(known)


class JSONField(Field[Any, Any, Any]):
    """Any JSON: mappings, lists, texts, numbers, truth values. A change inside it is tracked."""

    sql_kind = "json"

    def check(self, value: Any) -> Any:
        try:
            return plain(value)
        except RecursionError as error:
            raise ValueError(_("The value is nested too deeply.")) from error

    def dump(self, value: Any) -> Any:
        return plain(value)


class Binary(bytes):
    """Bytes that have come as a file, with its name and its type."""

    name: str
    type: str

    def __new__(cls, content: bytes = b"", name: str = "", type: str = "") -> Self:
        made = super().__new__(cls, content)
        made.name, made.type = name, type
        return made


_DATA_URL = re.compile(r"data:([^;,]*)(?:;name=([^;,]*))?;base64,")


class BinaryField(Field[bytes, N, D]):
    """Bytes, kept as base64: for small ones.

    A `Binary` keeps its name and type: it is stored as a `data:` URL.

    Args:
        max_length: how many bytes it may have.
    """

    python_type = bytes

    def __init__(
        self,
        label: str = "",
        *,
        max_length: int | None = None,
        required: N = False,  # type: ignore[assignment]
        default: D = None,  # type: ignore[assignment]
        **options: Unpack[Options],
    ) -> None:
        super().__init__(label, required=required, default=default, **options)  # type: ignore[arg-type]
        self.max_length = max_length

    def check(self, value: Any) -> bytes:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise ValueError(_("Bytes are needed, not %(__name__)s.", __name__=type(value).__name__))
        content = value if isinstance(value, Binary) else bytes(value)
        if self.max_length is not None and len(content) > self.max_length:
            raise ValueError(
                _(
                    "At most %(max_length)s bytes are possible, these are %(content)s.",
                    max_length=self.max_length,
                    content=len(content),
                )
            )
        return content

    def dump(self, value: Any) -> str:
        content = base64.b64encode(value).decode("ascii")
        if not isinstance(value, Binary):
            return content
        return f"data:{quote(value.type, safe='/+.-')};name={quote(value.name, safe='')};base64,{content}"

    def load(self, stored: Any) -> bytes:
        found = _DATA_URL.match(stored)
        if found is None:
            return base64.b64decode(stored)
        return Binary(base64.b64decode(stored[found.end() :]), unquote(found[2] or ""), unquote(found[1]))
