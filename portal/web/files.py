"""Files that were uploaded: their names and their links.

A file in the storage has the id of its row. One in a document or a column has the id `<process>-<path>`, such as
`12-scan`, `12-lines.0.offer` or `12-artifact.photo`. What a column of bytes cannot keep of it, its name and type, is
kept in the process's document under `_files`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import url_for

from portal.jsonstore import (
    Binary,
    BinaryField,
    EmbeddedField,
    EmbeddedListField,
    File,
    FileField,
    fields_of,
    files_of,
)
from portal.models import Process

from .forms.uploads import clean_name, clean_type
from .limits import size_words

#: where the names of files in columns are
KEPT = "_files"


class Link(NamedTuple):
    """A file for people; without an address for who may not open it."""

    name: str
    type: str
    size: str
    url: str | None
    #: the address of the picture that it is, where it can be shown
    preview: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.size})"


class Files:
    """The files of a process, or of something in it."""

    def __init__(self, process: Any, path: tuple[str, ...] = (), *, visible: bool = True) -> None:
        self.process, self.path, self.visible = process, path, visible

    def within(self, *names: str) -> Files:
        return Files(self.process, (*self.path, *names), visible=self.visible)

    def link(self, content: bytes, *names: str) -> Link:
        path = (*self.path, *names)
        found = named(self.process, path, content)
        url = (
            url_for("portal.files.download", file_id=f"{self.process.id}-{'.'.join(path)}")
            if self.visible
            else None
        )
        return Link(found.name, found.type, size_words(len(content)), url)

    def stored(self, file: File) -> Link:
        """The link of a file in the storage."""
        url = preview = None
        if self.visible:
            url = url_for("portal.files.download", file_id=file.id)
            preview = url_for("portal.files.preview", file_id=file.id) if file.is_image else None
        return Link(file.name, file.type, size_words(file.size), url, preview)

    def nested(self, field: Any, value: Any) -> Iterator[tuple[str, Link]]:
        """The files in embedded documents, each with the label that leads to it."""
        places: list[tuple[str, Files, Any]] = []
        if isinstance(field, EmbeddedField) and value is not None:
            places = [(field.label, self.within(field.name), value)]
        elif isinstance(field, EmbeddedListField):
            rows = enumerate(value or ())
            places = [(f"{field.label} {n + 1}", self.within(field.name, str(n)), each) for n, each in rows]
        for label, place, part in places:
            for name, inner in fields_of(type(part)).items():
                content = getattr(part, name)
                if isinstance(inner, BinaryField) and content is not None:
                    yield f"{label}: {inner.label}", place.link(content, name)
                if isinstance(inner, FileField):
                    for file in files_of(content):
                        yield f"{label}: {inner.label}", place.stored(file)
                for words, link in place.nested(inner, content):
                    yield f"{label}: {words}", link


def named(process: Any, path: tuple[str, ...], content: bytes) -> Binary:
    """A content with its name and type, as far as they were kept."""
    if isinstance(content, Binary):
        return Binary(content, clean_name(content.name, path[-1]), clean_type(content.type))
    kept = ((process.data or {}).get(KEPT) or {}).get(".".join(path)) or {}
    if kept.get("size") != len(content):  # somebody has written another one into the column
        kept = {}
    return Binary(content, clean_name(kept.get("name"), path[-1]), clean_type(kept.get("type")))


def remember_files(form: Any, process: Any, model: type) -> None:
    """Keep the names and types of files whose contents go into columns."""
    place = "" if issubclass(model, Process) else "artifact."
    for name, field in form._fields.items():
        file = field.data
        if isinstance(file, Binary) and name not in fields_of(model):
            kept = (process.data or {}).get(KEPT) or {}
            described = {"name": file.name, "type": file.type, "size": len(file)}
            process.data[KEPT] = {**kept, f"{place}{name}": described}
