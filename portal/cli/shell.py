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
        "explain": explain,
    }  # fmt: skip


def explain(process_id: int) -> None:
    """Print why a process waits: its open tasks, and what each of them waits for."""
    from portal import queries
    from portal.models import Process, db

    process = db.session.get(Process, process_id)
    if process is None:
        print(f"There is no process {process_id}.")
        return
    print(f"process {process.id} of {process.flow_label} is {process.status}")
    for each in queries.waiting(db.session(), process):
        task = each.task
        print(f"  {task.flow_task} #{task.number} ({task.status}, {task.token}): {each.why}")
