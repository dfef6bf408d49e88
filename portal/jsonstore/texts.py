"""Fields of text."""

from __future__ import annotations

import re
from typing import Any, Unpack
from urllib.parse import urlsplit

from portal.language import gettext as _

from .field import D, Field, N, Options
from .plain import check_text

_EMAIL = re.compile(
    r"[^\s@<>()\[\]\\,;:\"]{1,64}@(?=.{1,253}$)[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)*"
)


class StringField(Field[str, N, D]):
    """A line of text.

    Args:
        min_length: how many characters it must have.
        max_length: how many it may have.
    """

    python_type = str

    def __init__(
        self,
        label: str = "",
        *,
        min_length: int | None = None,
        max_length: int | None = None,
        required: N = False,  # type: ignore[assignment]
        default: D = None,  # type: ignore[assignment]
        **options: Unpack[Options],
    ) -> None:
        super().__init__(label, required=required, default=default, **options)  # type: ignore[arg-type]
        self.min_length = min_length
        self.max_length = max_length

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"A text is needed, not {type(value).__name__}.")
        text = check_text(str.__str__(value))
        if self.max_length is not None and len(text) > self.max_length:
            raise ValueError(
                _(
                    "At most %(max_length)s characters are possible, these are %(text)s.",
                    max_length=self.max_length,
                    text=len(text),
                )
            )
        if self.min_length is not None and len(text) < self.min_length:
            raise ValueError(_("At least %(min_length)s characters are needed.", min_length=self.min_length))
        return text


class TextField(StringField[N, D]):
    """Text of several lines."""


class EmailField(StringField[N, D]):
    """A mail address. A blank text stands for none."""

    def check(self, value: Any) -> str:
        text = super().check(value)
        if text and not _EMAIL.fullmatch(text):
            raise ValueError(_("This is not a mail address."))
        return text


class URLField(StringField[N, D]):
    """A web address with its scheme. A blank text stands for none."""

    #: others, like javascript:, would do harm in a link
    schemes = ("http", "https", "ftp")

    def check(self, value: Any) -> str:
        text = super().check(value)
        if text and not self._is_address(text):
            raise ValueError(_("This is not a web address such as https://example.com/."))
        return text

    def _is_address(self, value: str) -> bool:
        try:
            parts = urlsplit(value)
            return parts.scheme in self.schemes and bool(parts.hostname) and not re.search(r"[\s<>\"]", value)
        except ValueError:
            return False
