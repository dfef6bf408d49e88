"""Makes files and folders that only their owner can read, whatever the umask."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

log = logging.getLogger("portal")

#: what nobody but the owner may have
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can enter; one that is there is tightened."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    tighten(path)


def make_file(path: Path) -> None:
    """Make an empty file that only its owner can read; one that is there is tightened."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        tighten(path)


def tighten(path: Path) -> None:
    """Take from others what they may do with a file or a folder. Where that is not ours to do, the log tells it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return
    if not mode & OTHERS:
        return
    try:
        path.chmod(mode & ~OTHERS)
    except OSError as error:
        log.warning(
            "%s is open to others (%o), and cannot be made the owner's alone: %s", path, mode, error.strerror
        )
