"""What pages say of a step: its title, whether it is a form or late, its tries, and why it needs attention."""

from __future__ import annotations

from typing import Any, NamedTuple

from portal.engine.queue import jobs
from portal.flow import registry
from portal.language import gettext, lazy_gettext, ngettext

#: what is said of a task whose node the code no longer has
LOST = lazy_gettext(
    "The flow has changed and no longer has this step. A manager can move the process to another one, or cancel "
    "this task."
)


def step_title(definition: Any, name: str) -> str:
    """What people call a step, also one that the flow no longer has, or an event on a step's border."""
    node = definition.nodes.get(name) if definition is not None else None
    if node is None:
        return name.replace("__", ": ").replace("_", " ").capitalize()
    host = None if node is None else node.host
    if host is None:
        return str(node.title)
    return f"{host.title}: {name.partition('__')[2].replace('_', ' ')}"


def step_words(label: str, name: str) -> str:
    """The same by the label of a flow, which the code need not have any more."""
    flow_class = registry.get(label)
    return step_title(None if flow_class is None else flow_class.definition, name)


def flow_title(label: str) -> str:
    """The title of a flow; its label where the code no longer has it."""
    flow_class = registry.get(label)
    return label if flow_class is None else str(flow_class.definition.title)


def is_late(task: Any, now: Any) -> bool:
    return task.finished is None and task.due is not None and task.due < now


def is_form(task: Any) -> bool:
    """Whether a person completes the task, with a form or a confirmation."""
    node = task.node
    return node is not None and node.human and not node.starts


class Tries(NamedTuple):
    """How far a job is that has been tried, or is being tried."""

    #: the number of the try that runs, or has failed last
    number: int
    of: int
    #: what the last try that failed raised; None if none has
    error: dict[str, Any] | None
    running: bool
    #: when the one that runs is given up
    until: Any


def tries(task: Any) -> Tries | None:
    """The tries of a job that runs, or waits for its next one. None where nothing is to be told of them."""
    node, error = task.node, (task.data or {}).get("_exception")
    if node is None or not (node.works or node.topic) or task.status not in ("SCHEDULED", "STARTED"):
        return None
    running = task.status == "STARTED"
    failed = (error or {}).get("tries", 0)
    if not running and not failed:
        return None
    until = None
    if running and task.started is not None:
        until = getattr(task, "lease", None) if node.topic else task.started + jobs.time_limit(node)
    of = max((error or {}).get("of", 0), node.retries + 1)
    return Tries(failed + running, of, error if failed else None, running, until)


def why(attention: Any, process: Any, user: Any) -> str:
    """Why a process needs attention, in a sentence; what an error says is for those who manage the flow."""
    step = step_words(attention.flow_label, attention.flow_task or "")
    if attention.kind == "stuck":
        text = gettext("No step is open, but the process has not ended")
    elif attention.kind == "failed":
        text = gettext("“%(step)s” failed", step=step)
    else:
        text = gettext(
            "“%(step)s” is with %(name)s, who is no longer active", step=step, name=attention.owner
        )
    if attention.process_id != process.id:
        text = gettext("%(what)s in process #%(number)s", what=text, number=attention.process_id)
    if attention.error and user.manages(attention.flow_label):
        text += f": {attention.error}"
    others = attention.count - 1
    more = ngettext(" %(number)s more like it.", " %(number)s more like it.", others) if others > 0 else ""
    return (text if text.endswith((".", "!", "?")) else f"{text}.") + more
