"""One line of substance: the templates of flows and nodes, rendered where they can do no harm."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from portal.errors import CodeExit, contain

log = logging.getLogger(__name__)

#: shown in the place of a summary whose template fails
PLACEHOLDER = "(no summary)"
#: a summary is one line; what is longer is cut
_LONGEST = 300

#: failures that were told, so that each is told once
_told: set[tuple[Any, ...]] = set()
_MOST_TOLD = 10_000

_environment = ImmutableSandboxedEnvironment(autoescape=True)


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    return _environment.from_string(source)


def render(source: str, **context: Any) -> str:
    """The line that a template makes of a process: plain text, which pages escape like any other.

    Args:
        source: Jinja. What fails in it is logged and shows a placeholder.
        context: what the template knows: `process`, `task`, `flow`.
    """
    if not source:
        return ""
    try:
        # Escaped while it is rendered, so that a template's own tags are text and not markup, and turned back
        # into plain text here: whoever shows it escapes it once.
        text = contain(lambda: Markup(_compiled(source).render(**context)).unescape())
    except Exception as error:
        _tell(source, error, context)
        return PLACEHOLDER
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _tell(source: str, error: Exception, context: dict[str, Any]) -> None:
    """Log a failure once: the same summary is rendered again for every list that it stands in."""
    process, task = context.get("process"), context.get("task")
    where = {
        "flow": getattr(process, "flow_label", None),
        "node": getattr(task, "flow_task", None),
        "process_id": getattr(process, "id", None),
        "task_id": getattr(task, "id", None),
    }
    told = error.__cause__ if isinstance(error, CodeExit) else error
    key = (source, *where.values(), type(told).__name__)
    if key in _told:
        return
    if len(_told) >= _MOST_TOLD:
        _told.clear()
    _told.add(key)
    log.warning(
        "a summary template of %s failed in process %s, task %s (%s): %s",
        where["flow"], where["process_id"], where["task_id"], where["node"], source, exc_info=told, extra=where,
    )  # fmt: skip


def of_process(process: Any) -> str:
    """What a process is about, or what became of it once it is done."""
    flow_class = process.flow_class
    if flow_class is None:
        return ""
    source = flow_class.process_summary_template
    if process.status == "DONE" and flow_class.process_result_template:
        source = flow_class.process_result_template
    return render(source, process=process, flow=flow_class._definition)


def of_task(task: Any) -> str:
    """What a task is about, or its result; the process's own line where the node says nothing."""
    node = task.node
    if node is None:
        return of_process(task.process)
    source = node.summary_template
    if task.status == "DONE" and node.result_template:
        source = node.result_template
    if not source:
        return subject(task.process)
    return render(source, process=task.process, task=task, flow=node.flow_class._definition)


def subject(process: Any) -> str:
    """What a process is about, whatever became of it."""
    flow_class = process.flow_class
    if flow_class is None:
        return ""
    return render(flow_class.process_summary_template, process=process, flow=flow_class._definition)
