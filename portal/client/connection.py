"""The requests behind the calls of a program: made again where they were cut off, and refused in the portal's words."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from .answers import Refused

#: how often a call is made before its failure is told, and seconds between the first two
TRIES, WAIT = 4, 0.5
#: answers after which a call may be made again
_AGAIN = (429, 502, 503, 504)


class Connection:
    """The API of one portal, as one token's person reaches it; the arguments are those of `Client`."""

    def __init__(
        self, address: str, token: str, timeout: float, transport: httpx.BaseTransport | None
    ) -> None:
        base, headers = f"{address.rstrip('/')}/api/v1", {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=base, headers=headers, timeout=timeout, transport=transport)

    def close(self) -> None:
        self._http.close()

    def pages(self, path: str, filters: Mapping[str, Any]) -> Iterator[Any]:
        after: str | None = ""
        while after is not None:
            page = self.get(path, {**filters, "after": after} if after else filters)
            yield from page["items"]
            after = page["next"]

    def get(self, path: str, filters: Mapping[str, Any] | None = None) -> Any:
        return self.answer("GET", path, params=dict(filters or {})).json()

    def send(
        self, method: str, path: str, body: Any, *, tag: str | None = None, key: str | None = None
    ) -> Any:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex} | ({} if tag is None else {"If-Match": tag})
        answer = self.answer(method, path, json=body, headers=headers)
        return answer.json() if answer.content else None

    def answer(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Make a call, again where it was cut off: its key makes that safe."""
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            wait = WAIT * 2**attempt
            try:
                answer = self._http.request(method, path, **sent)
            except httpx.TransportError:
                if last:
                    raise
            else:
                if answer.status_code not in _AGAIN or last:
                    return _accepted(answer)
                wait = _seconds(answer.headers.get("Retry-After", ""), wait)
            time.sleep(wait)
        raise AssertionError("the last try returns or raises")


def _accepted(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = {"title": answer.reason_phrase}
    raise Refused(answer.status_code, problem if isinstance(problem, dict) else {})


def _seconds(text: str, usual: float) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 5 else usual
