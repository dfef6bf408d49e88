"""The secret key of an installation: made once and kept in a file, and never that of the example."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from portal import private
from portal.settings import PREFIX

#: secrets of example files, in letters and digits alone
SAMPLES = frozenset(("changeme", "changethis", "replaceme"))
#: a kept key that is shorter was cut off by a crash
SHORTEST_SECRET = 32


def refuse_samples(known: Mapping[str, Any]) -> None:
    """Refuse what the example of the settings says: everybody knows it.

    Raises:
        ValueError: with the setting, and how to make a value.
    """
    for name in ("secret_key", "metrics_token", "webhook_secret"):
        plain = "".join(letter for letter in str(known[name] or "").lower() if letter.isalnum())
        if plain in SAMPLES:
            raise ValueError(
                f"{PREFIX}{name.upper()} is that of the example, which everybody knows: "
                "python3 -c 'import secrets; print(secrets.token_hex(32))' makes one"
            )


def kept_secret(instance: Path) -> str:
    """The key of this installation: made once, however many processes ask for it first, and its owner's alone.

    Raises:
        ValueError: what is kept is no whole key, or nothing can be kept there.
    """
    path = instance / "secret_key"
    try:
        private.make_folder(instance)
        if not path.exists():
            _keep_secret(path)
        private.tighten(path)
        key = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"the secret key cannot be kept in {path}: {error}; set {PREFIX}SECRET_KEY"
        ) from error
    if len(key) < SHORTEST_SECRET:
        raise ValueError(
            f"{path} holds no whole secret key: remove it, and a new one is made (everybody signs in again)"
        )
    return key


def _keep_secret(path: Path) -> None:
    """Write a key whole and under its name at once, unless another process was faster."""
    descriptor, name = tempfile.mkstemp(prefix=".secret_key-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
