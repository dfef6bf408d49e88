"""Makes addresses of pages for mail and web hooks, which have no request to go by."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import current_app


def address(base_url: str, endpoint: str, **values: Any) -> str:
    """The whole address of a page.

    Args:
        base_url: where people find the portal, `PORTAL_BASE_URL`; its path is the prefix.
        endpoint: such as `tasks.detail`.
        values: what the rule of the endpoint names.
    """
    base = urlsplit(base_url)
    adapter = current_app.url_map.bind(base.netloc, script_name=base.path, url_scheme=base.scheme)
    return adapter.build(f"portal.{endpoint}", values, force_external=True)
