"""What is kept of an upload beside its content."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Any

from werkzeug.datastructures import FileStorage

from portal.jsonstore import Binary, storable

UNKNOWN = "application/octet-stream"
_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,80}", re.ASCII)


def taken(upload: FileStorage) -> Binary:
    """An upload with a name and a type that can be shown and sent again."""
    return Binary(upload.read(), clean_name(upload.filename), clean_type(upload.mimetype))


def clean_name(name: Any, default: str = "file") -> str:
    """A name without folders and without what cannot be printed, not too long."""
    text = unicodedata.normalize("NFC", storable(str(name or "")))
    text = "".join(each for each in re.split(r"[/\\]", text)[-1] if each.isprintable()).strip(" .")
    ending = PurePosixPath(text).suffix[:20]
    return f"{text.removesuffix(ending)[:120]}{ending}" if text else default


def clean_type(kind: Any) -> str:
    text = str(kind or "").lower()
    return text if _TYPE.fullmatch(text) else UNKNOWN
