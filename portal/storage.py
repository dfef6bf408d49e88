"""Stores the bytes of files in a folder, or at any address that fsspec knows. `StoredFile` is the row of each.

Bytes are written first, and their row goes into the caller's transaction: where that is taken back, or the process
dies, bytes without a row are left, which `sweep` removes. A row without bytes cannot be.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import secrets
import shutil
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from flask import current_app
from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from portal import private
from portal.errors import Gone
from portal.jsonstore import File, files
from portal.models import Process, StoredFile, Task, User, utcnow
from portal.models.stored_file import LONGEST_NAME

#: how long an upload waits for its form: as long as the longest draft
WAITS = dt.timedelta(days=180)
#: bytes without a row are an upload on its way until they are so old, and looked for until they are that old
ON_ITS_WAY, LOOKED_FOR = dt.timedelta(days=1), dt.timedelta(days=8)
#: so many rows a sweep takes at a time
_AT_ONCE = 500


class Storage:
    """The bytes of files by their ids.

    Args:
        address: a folder, or an address such as `s3://bucket/files` or `memory://files`.

    Raises:
        ValueError: fsspec knows no such address, or lacks what it needs for it.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        if ":" in address:  # more than a folder: said when the application is made, not with the first upload
            _ = self._place

    @cached_property
    def _place(self) -> tuple[Any, str, bool]:
        """The file system, the folder in it, and whether it is of this machine."""
        from fsspec.core import url_to_fs  # 1.5 MB: a process that reads and writes no file does without
        from fsspec.implementations.local import LocalFileSystem

        try:
            system, root = url_to_fs(self._address)
        except (ValueError, ImportError) as error:
            raise ValueError(f"PORTAL_STORAGE cannot be used: {error}") from error
        return system, root, isinstance(system, LocalFileSystem)

    @property
    def _system(self) -> Any:
        return self._place[0]

    @property
    def _root(self) -> str:
        return self._place[1]

    @property
    def _is_local(self) -> bool:
        return self._place[2]

    def write(self, content: IO[bytes] | bytes) -> tuple[str, int]:
        """Keep some bytes. Their id, and how many there are."""
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        key = f"{utcnow():%Y%m%d}-{secrets.token_hex(16)}"
        path = self._path(key)
        if self._is_local:
            private.make_folder(Path(self._root))
        self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._system.open(path, "wb") as target:
            shutil.copyfileobj(source, target)
            size = target.tell()
            target.flush()
            with suppress(OSError, AttributeError):  # a machine may lose its power; others keep it themselves
                os.fsync(target.fileno())
        return key, size

    def open(self, key: str) -> BinaryIO:
        """The bytes, for reading.

        Raises:
            Gone: they are not there any more.
        """
        try:
            return cast(BinaryIO, self._system.open(self._path(key), "rb"))
        except FileNotFoundError as error:
            raise Gone from error

    def archive(self, name: str, content: bytes) -> str:
        """Keep some bytes for good under a name of its own, where no sweep comes. Where they are.

        Args:
            name: a path such as `leave_request/2026-11-24-1.jsonl`.
        """
        path = f"{self._root}/archive/{name}"
        if self._is_local:
            private.make_folder(Path(self._root))
        self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._system.open(path, "wb") as target:
            target.write(content)
            target.flush()
            with suppress(OSError, AttributeError):
                os.fsync(target.fileno())
        return path

    def delete(self, key: str) -> None:
        with suppress(FileNotFoundError):
            self._system.rm_file(self._path(key))

    def keys(self, day: dt.date) -> list[str]:
        """The ids of what was written on a day."""
        try:
            found = self._system.ls(f"{self._root}/{day:%Y%m%d}", detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return [f"{day:%Y%m%d}-{path.rstrip('/').rpartition('/')[2]}" for path in found]

    def _path(self, key: str) -> str:
        return f"{self._root}/{key.replace('-', '/', 1)}"


def current() -> Storage:
    """The storage of the application whose context is open."""
    storage: Storage = current_app.extensions["portal_storage"]
    return storage


def store(
    session: Session,
    content: IO[bytes] | bytes,
    *,
    name: str,
    type: str,
    user: User | None = None,
    process: Process | None = None,
    task: Task | None = None,
    field: str | None = None,
) -> StoredFile:
    """Write the bytes now, and add the file's row to the session, whose transaction decides whether it stays.

    Args:
        content: the bytes, or something open for reading them.
        name: what people call it.
        type: such as `application/pdf`.
        user: who has sent it.
        process: whose file it is. Without one it waits for `attach`, as long as a draft does.
        task: the task that it was added in.
        field: the name of the field that it is for.
    """
    key, size = current().write(content)
    row = StoredFile(
        id=key,
        name=name[:LONGEST_NAME],
        type=type,
        size=size,
        field=field,
        created=utcnow(),
        user_id=None if user is None else user.id,
        process=process,
        task_id=None if task is None else task.id,
        pending=process is None,
    )
    session.add(row)
    return row


def attach(row: StoredFile, process: Process, task: Task | None = None) -> None:
    """Give a file that waits to a process, in the caller's transaction."""
    row.process, row.pending = process, False
    row.task_id = None if task is None else task.id


def as_value(row: StoredFile) -> File:
    """The file as a `FileField` holds it."""
    return File(row.name, row.type, row.size, row.id)


def sweep(session: Session) -> int:
    """Remove what belongs to nothing: uploads whose form never came, what deleted processes have left, and bytes that
    no transaction has taken. The number of files."""
    now = utcnow()
    loose = and_(StoredFile.process_id.is_(None), or_(~StoredFile.pending, StoredFile.created < now - WAITS))
    count = 0
    while True:
        session.rollback()
        session.connection(execution_options={"writes": True})
        keys = list(session.scalars(select(StoredFile.id).where(loose).limit(_AT_ONCE)))
        session.execute(
            delete(StoredFile).where(StoredFile.id.in_(keys)),
            execution_options={"synchronize_session": False},
        )
        session.commit()
        for key in keys:
            current().delete(key)
        count += len(keys)
        if len(keys) < _AT_ONCE:
            break
    return count + _sweep_bytes(session, now)


def _sweep_bytes(session: Session, now: dt.datetime) -> int:
    count, day = 0, (now - LOOKED_FOR).date()
    while day < (now - ON_ITS_WAY).date():
        keys = current().keys(day)
        for first in range(0, len(keys), _AT_ONCE):
            some = keys[first : first + _AT_ONCE]
            known = set(session.scalars(select(StoredFile.id).where(StoredFile.id.in_(some))))
            lost = [key for key in some if key not in known]
            for key in lost:
                current().delete(key)
            count += len(lost)
        day += dt.timedelta(days=1)
    session.rollback()
    return count


def _open(key: str) -> BinaryIO:
    return current().open(key)


files.opener = _open
