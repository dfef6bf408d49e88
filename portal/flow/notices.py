"""The events that a flow sends mail and web hooks for, and the checks of its settings for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .declaration import Flow

#: what mail and web hooks tell of
EVENTS = ("assigned", "due", "late", "failed", "finished")
#: what a flow can switch off. No web hook's are `queue`, which tells those who have asked for it that work has come,
#: and what people say: `comment` to those who follow a process, `mention` to whom it names
MAILS = (*EVENTS, "queue", "comment", "mention")
#: the longest address of a web hook
LONGEST = 2000


def faults(flow_class: type[Flow]) -> Iterator[str]:
    chosen = flow_class.process_notices
    if not isinstance(chosen, Mapping) or not set(chosen) <= set(MAILS):
        yield (
            f"process_notices: {chosen!r} is no mapping of events to True or False; the events are: {', '.join(MAILS)}"
        )
    if isinstance(flow_class.process_webhooks, str):
        yield 'process_webhooks: takes a list of addresses; write ["https://…"]'
    else:
        for url in flow_class.process_webhooks:
            yield from (f"process_webhooks: {fault}" for fault in url_faults(url))


def url_faults(url: str) -> Iterator[str]:
    """What is wrong with the address of a web hook."""
    try:
        parts = urlsplit(url)
        fit = parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= LONGEST
    except (ValueError, TypeError, AttributeError):
        fit = False
    if not fit or any(character.isspace() for character in url):
        yield f"{url!r} is no address of a web hook; it begins with https:// or http://"
