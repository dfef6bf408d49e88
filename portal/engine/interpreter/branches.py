"""Adds a branch to a split that makes one for each item of a data source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.models import Task

from ..context import ActionContext
from . import token


def add(run: ActionContext, split: Task, edge: Any, item: Mapping[str, Any]) -> None:
    """Start a branch of a split whose other branches are under way.

    Args:
        edge: the way that the branch goes, which has a data source.
        item: what its first task gets as `data`.
    """
    process = split.process
    # The numbers of the split's own branches are small. That of the task is no other branch's.
    branch = token.branch(split.token, split.number, process.task_count + 1)
    task = run.create(process, edge.target, branch, split)
    task.data = dict(item)
    run.ready.append(task)
    run.joins_due[process] = None
