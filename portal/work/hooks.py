"""Sends web hooks: signed calls of other programs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from portal.engine.outbox import Claim, Undelivered

from .addresses import address

if TYPE_CHECKING:
    from urllib3 import PoolManager

#: seconds for the connection, and for the answer
TIMEOUT = 10
#: a secret in the form of Standard Webhooks: this, and the key in base64
PREFIX = "whsec_"
#: the receiver says that it wants no more
GONE = 410


def body(claimed: Claim, base_url: str) -> bytes:
    """What is sent: the same bytes in every try."""
    said: dict[str, Any] = {"id": claimed.key, "created": claimed.created.isoformat(), **claimed.payload}
    said["process"] = {
        **said["process"],
        "url": address(base_url, "processes.detail", process_id=said["process"]["id"]),
    }
    if said["task"] is not None:
        said["task"] = {**said["task"], "url": address(base_url, "tasks.detail", task_id=said["task"]["id"])}
    return json.dumps(said, ensure_ascii=False).encode()


def signature(secret: str, key: str, timestamp: str, content: bytes) -> str:
    """HMAC-SHA256 over `key.timestamp.content`, as Standard Webhooks has it."""
    raw = base64.b64decode(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else secret.encode()
    signed = b".".join((key.encode(), timestamp.encode(), content))
    return "v1," + base64.b64encode(hmac.digest(raw, signed, hashlib.sha256)).decode()


@cache
def _pool() -> PoolManager:
    """Certificates are checked against those of the system."""
    from urllib3 import PoolManager, Timeout  # only who sends needs it, and most portals call no hook

    return PoolManager(num_pools=20, maxsize=8, timeout=Timeout(TIMEOUT), retries=False)


def post(claimed: Claim, content: bytes, secret: str, timestamp: int) -> None:
    """Call a web hook. A redirect is not followed: it would carry the call to who knows where.

    Raises:
        Undelivered: no connection, no answer in time, or another answer than 2xx.
    """
    from urllib3.exceptions import HTTPError  # as of the pool

    headers = {
        "Content-Type": "application/json",
        "User-Agent": "portal",
        "Idempotency-Key": claimed.key,
        "Webhook-Id": claimed.key,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": signature(secret, claimed.key, str(timestamp), content),
    }
    try:
        answer = _pool().request(
            "POST", claimed.url or "", body=content, headers=headers, redirect=False, preload_content=False
        )
        status = answer.status
        answer.close()  # what it says beside its status is not read
    except HTTPError as error:
        raise Undelivered(f"{place(claimed)}: {type(error).__name__}") from error
    if not 200 <= status < 300:
        raise Undelivered(f"{place(claimed)} answers {status}", for_good=status == GONE)


def place(claimed: Claim) -> str:
    """The host of a hook. The rest of its address may be a secret."""
    return urlsplit(claimed.url or "").hostname or "?"
