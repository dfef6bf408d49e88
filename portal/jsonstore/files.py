"""Fields that hold files. The document has what is known of a file; its bytes are in the storage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Generic

from portal.language import gettext as _

from .field import D, Field, N
from .plain import check_text


def _unbound(_key: str) -> BinaryIO:
    raise RuntimeError("There is no storage: import portal.models and open an application's context.")


#: opens the bytes of a file by its id; the storage binds it
opener: Callable[[str], BinaryIO] = _unbound


@dataclass(frozen=True)
class File:
    """A file in the storage.

    `portal.storage.store` makes one of bytes.
    """

    name: str
    #: such as `application/pdf`
    type: str
    #: in bytes
    size: int
    #: its address is `/files/<id>`
    id: str

    def __str__(self) -> str:
        return self.name

    def open(self) -> BinaryIO:
        """Its bytes, for reading, as a context manager.

        Raises:
            Gone: they are not in the storage any more.
        """
        return opener(self.id)

    @property
    def is_image(self) -> bool:
        """Whether it is a picture that browsers show without running anything in it."""
        return self.type in ("image/png", "image/jpeg", "image/gif", "image/webp")


#: the endings of names by type, where `mimetypes` would depend on the machine
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmg]?)i?b?\s*", re.IGNORECASE)


def size_of(size: int | str) -> int:
    """Bytes of `10 MB`, `500 kB` or a number; 1 kB has 1024. ValueError for what is no size."""
    found = _SIZE.fullmatch(str(size))
    if found is None or not float(found[1]):
        raise ValueError(f"{size!r} is no size; give one such as '10 MB'.")
    return int(float(found[1]) * 1024 ** ["", "k", "m", "g"].index(found[2].lower()))


class FileField(Field[Any, N, D], Generic[N, D]):
    """A file, or with `multiple` a list of them. Its bytes are in the storage, and not in the document.

    Args:
        types: what is taken: types such as `application/pdf`, groups such as `image/*`; everything by default.
        max_size: of one file, such as `"10 MB"` or a number of bytes.
        multiple: several files; the field reads as a list.
        max_files: how many files there may be with `multiple`.
    """

    python_type = File
    sql_kind = "json"

    def __init__(
        self,
        label: str = "",
        *,
        types: Iterable[str] | str = (),
        max_size: int | str | None = None,
        multiple: bool = False,
        max_files: int = 20,
        required: N = False,  # type: ignore[assignment]
        default: D = None,  # type: ignore[assignment]
        **options: Any,
    ) -> None:
        if multiple and default is None:
            default = list  # type: ignore[assignment]
        super().__init__(label, required=required, default=default, **options)  # type: ignore[arg-type]
        self.types = tuple(each.lower() for each in ([types] if isinstance(types, str) else types))
        for each in self.types:
            if not re.fullmatch(r"[\w.+-]+/([\w.+-]+|\*)", each):
                raise ValueError(
                    f"{each!r} is no type of a file; give one such as 'application/pdf' or 'image/*'."
                )
        self.max_size = None if max_size is None else size_of(max_size)
        self.multiple = multiple
        self.max_files = max_files

    def takes(self, kind: str) -> bool:
        """Whether files of this type are taken."""
        group = f"{kind.partition('/')[0]}/*"
        return not self.types or kind in self.types or group in self.types

    def check(self, value: Any) -> Any:
        if not self.multiple:
            return self._check_one(value)
        if not isinstance(value, list | tuple):
            raise ValueError(f"A list of files is needed, not {type(value).__name__}.")
        if len(value) > self.max_files:
            raise ValueError(
                _(
                    "At most %(max_files)s files are possible, these are %(value)s.",
                    max_files=self.max_files,
                    value=len(value),
                )
            )
        return [self._check_one(each) for each in value]

    def _check_one(self, value: Any) -> File:
        if not isinstance(value, File):
            raise ValueError(f"A File is needed, not {type(value).__name__}.")
        if self.max_size is not None and value.size > self.max_size:
            raise ValueError(_("“%(name)s” is larger than is possible here.", name=value.name))
        if not self.takes(value.type):
            raise ValueError(_("“%(name)s” is of a type that is not taken here.", name=value.name))
        return value

    def dump(self, value: Any) -> Any:
        return [_dump(each) for each in value] if self.multiple else _dump(value)

    def load(self, stored: Any) -> Any:
        if isinstance(stored, Mapping):
            one = _load(stored)
            return [one] if self.multiple else one
        several = [_load(each) for each in stored]
        return several if self.multiple else next(iter(several), None)


def _dump(file: File) -> dict[str, Any]:
    return {"id": file.id, "name": check_text(file.name), "type": file.type, "size": file.size}


def _load(stored: Mapping[str, Any]) -> File:
    return File(str(stored["name"]), str(stored["type"]), int(stored["size"]), str(stored["id"]))


def files_of(value: Any) -> list[File]:
    """The files of a value of a `FileField`."""
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
