"""`portal shell`: Python with the flows and the models at hand."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.cli import shell_command as shell

__all__ = ["init_app", "shell"]


def init_app(app: Flask) -> None:
    """Give `flask shell` and `portal shell` their names."""
    app.shell_context_processor(_at_hand)


def _at_hand() -> dict[str, Any]:
    """The flows by their classes' names with their process classes, the models, and what one looks for them with."""
    from sqlalchemy import select

    from portal import models
    from portal.flow.registry import registry

    flows = list(registry.values())
    processes = [each for flow_class in flows if (each := flow_class.process_class) is not None]
    names = [name for name in models.__all__ if name[:1].isupper()]
    return {
        **{name: getattr(models, name) for name in names},
        **{each.__name__: each for each in processes},
        **{flow_class.__name__: flow_class for flow_class in flows},
        "db": models.db, "create_user": models.create_user, "registry": registry, "select": select,
    }  # fmt: skip
