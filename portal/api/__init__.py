"""What programs call: REST below `/api/v1`, as OpenAPI describes it. Without the extra `api` there is none."""

from __future__ import annotations

from importlib.util import find_spec

from flask import Blueprint


def blueprints() -> tuple[Blueprint, ...]:
    """What an application registers among its pages; nothing where the extra is not installed."""
    if find_spec("flask_smorest") is None:
        return ()
    from .rest import rest  # imports the extra

    return (rest,)
