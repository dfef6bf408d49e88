"""Parses an incoming mail."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

from markupsafe import Markup

from portal.jsonstore import storable

#: characters of what is kept of a mail
LONGEST_SUBJECT, LONGEST_TEXT = 500, 100_000
#: headers that say where a mail was delivered to, the surest first
_RECEIVED_AT = ("X-Original-To", "Delivered-To", "Envelope-To", "To", "Cc")
#: where a line of HTML ends
_BREAK = re.compile(r"<(?:br|/p|/div|/li|/tr)\b[^>]*>", re.IGNORECASE)
#: what marks a mail that nobody has written, beside `Auto-Submitted`
_BULK = ("bulk", "junk", "list", "auto_reply")


@dataclass(frozen=True)
class Attachment:
    name: str
    type: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """A mail.

    Attributes:
        key: the same for the same mail, however often it is delivered.
        automatic: no person has written it: it gets no answer, and does nothing.
    """

    key: str
    sender: str
    name: str
    subject: str
    text: str
    date: dt.datetime | None
    to: tuple[str, ...]
    automatic: bool
    attachments: tuple[Attachment, ...] = field(default=())

    @classmethod
    def read(cls, raw: bytes) -> Letter:
        """
        Raises:
            ValueError: it is no mail, or is from nobody.
        """
        message: Any = message_from_bytes(raw, policy=policy.default)
        senders = _addresses(message, "From")
        if len(senders) != 1:
            raise ValueError("The email does not say from whom it is.")
        name, sender = senders[0]
        known = str(message.get("Message-ID") or "").strip().encode(errors="replace")
        return cls(
            key=hashlib.sha256(known or raw).hexdigest(),
            sender=sender,
            name=storable(name)[:200],
            subject=storable(str(message.get("Subject") or "")).strip()[:LONGEST_SUBJECT],
            text=storable(_text(message)).strip()[:LONGEST_TEXT],
            date=_date(message),
            to=tuple(
                dict.fromkeys(each for header in _RECEIVED_AT for _, each in _addresses(message, header))
            ),
            automatic=_is_automatic(message),
            attachments=tuple(_attachments(message)),
        )

    def plain(self) -> dict[str, Any]:
        """What an author's function gets, as JSON has it."""
        return {
            "sender": self.sender,
            "name": self.name,
            "subject": self.subject,
            "text": self.text,
            "date": None if self.date is None else self.date.isoformat(),
        }


def _addresses(message: EmailMessage, header: str) -> list[tuple[str, str]]:
    try:
        values = [str(each) for each in message.get_all(header, [])]
    except (ValueError, IndexError, AttributeError, TypeError):  # what `email` breaks on is no address
        return []
    return [
        (name, address.strip().lower())
        for name, address in getaddresses(values)
        if "@" in address and address.isprintable()
    ]


def _date(message: EmailMessage) -> dt.datetime | None:
    try:
        found = parsedate_to_datetime(str(message.get("Date")))
        return found.replace(tzinfo=found.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _is_automatic(message: EmailMessage) -> bool:
    """Answers of machines (RFC 3834), bounces and lists: to answer them would go round for ever."""
    submitted = str(message.get("Auto-Submitted") or "no").partition(";")[0].strip().lower()
    bulk = str(message.get("Precedence") or "").strip().lower() in _BULK
    bounced = str(message.get("Return-Path") or "").strip() == "<>"
    return submitted != "no" or bulk or bounced or "List-Id" in message


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    content = _content(body)
    text = (
        content.decode(body.get_content_charset("utf-8"), "replace")
        if _knows(body)
        else content.decode("latin-1")
    )
    if body.get_content_subtype() == "html":
        lines = Markup(_BREAK.sub("\0", text)).striptags().split("\0")
        text = "\n".join(line.strip() for line in lines)
    return text.replace("\r\n", "\n")


def _knows(part: Any) -> bool:
    try:
        "".encode(part.get_content_charset("utf-8"))
    except LookupError:
        return False
    return True


def _content(part: Any) -> bytes:
    found: Any = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _attachments(message: EmailMessage) -> Iterator[Attachment]:
    body = message.get_body(("plain", "html"))
    related = message.get_body(("related", "html", "plain"))
    for number, part in enumerate(message.walk(), 1):
        if (
            part.is_multipart()
            or part is body
            or (part.get_content_disposition() == "inline" and part is related)
        ):
            continue
        name = part.get_filename()
        if name is None and part.get_content_maintype() == "text":  # the other form of the text
            continue
        yield Attachment(storable(name or f"part-{number}"), part.get_content_type(), _content(part))
