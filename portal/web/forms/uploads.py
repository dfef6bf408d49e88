"""Finds the type of an upload by its first bytes and its name, and what is stored beside its content."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from pathlib import PurePosixPath
from typing import Any

from werkzeug.datastructures import FileStorage

from portal.jsonstore import Binary, storable

UNKNOWN = "application/octet-stream"
_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,80}", re.ASCII)
#: how the contents begin of types that can be told so
_BEGINNINGS = (
    ("application/pdf", b"%PDF-"),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF87a"),
    ("image/gif", b"GIF89a"),
    ("application/zip", b"PK\x03\x04"),
    ("application/gzip", b"\x1f\x8b"),
)
_TOLD_BY_CONTENT = frozenset(kind for kind, _ in _BEGINNINGS) | {"image/webp"}
#: types whose files are ZIP archives inside
_ZIPPED = re.compile(
    r"application/(vnd\.openxmlformats-officedocument\.|vnd\.oasis\.opendocument\.|epub\+zip|java-archive|x-zip)"
)
#: the same on every machine, unlike the system's own lists
_ENDINGS = mimetypes.MimeTypes(())
for _kind, _ending in (
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"),
    ("application/vnd.oasis.opendocument.text", ".odt"),
    ("application/vnd.oasis.opendocument.spreadsheet", ".ods"),
    ("image/webp", ".webp"),
    ("message/rfc822", ".eml"),
    ("text/markdown", ".md"),
):
    _ENDINGS.add_type(_kind, _ending)


def taken(upload: FileStorage) -> Binary:
    """An upload with a name and a type that can be shown and sent again."""
    return Binary(upload.read(), clean_name(upload.filename), clean_type(upload.mimetype))


def kind_of(name: str, claimed: str, head: bytes) -> str:
    """The type of a file.

    The content decides where its beginning tells the type; what is only named like one of those is of no known type.

    Args:
        claimed: the type that the browser names.
        head: its first bytes, 16 at least.
    """
    found = next((kind for kind, beginning in _BEGINNINGS if head.startswith(beginning)), None)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        found = "image/webp"
    by_name = _ENDINGS.guess_type(name)[0] or clean_type(claimed)
    if found == "application/zip" and _ZIPPED.match(by_name):
        return by_name
    if found is not None:
        return found
    return UNKNOWN if by_name in _TOLD_BY_CONTENT or _ZIPPED.match(by_name) else by_name


def clean_name(name: Any, default: str = "file") -> str:
    """A name without folders and without what cannot be printed, not too long."""
    text = unicodedata.normalize("NFC", storable(str(name or "")))
    text = "".join(each for each in re.split(r"[/\\]", text)[-1] if each.isprintable()).strip(" .")
    ending = PurePosixPath(text).suffix[:20]
    return f"{text.removesuffix(ending)[:120]}{ending}" if text else default


def clean_type(kind: Any) -> str:
    text = str(kind or "").lower()
    return text if _TYPE.fullmatch(text) else UNKNOWN
