"""Summaries of tasks and processes: the templates of their flow, rendered in a sandbox."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateSyntaxError
from jinja2.nodes import Const, Getattr, Getitem, Name, Output, TemplateData
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from portal.errors import CodeExit, contain
from portal.jsonstore import ReferenceField, ReferenceListField, fields_of
from portal.jsonstore.tracking import DocumentDict

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


class Shown:
    """A process of a list as a summary sees it: its fields come from the part of the document that was read."""

    def __init__(self, process: Any) -> None:
        self._process = process
        #: the class of a row of a list, which is no instance of it
        self._model = getattr(process, "model", type(process))
        self.data = DocumentDict(process._shown or {}, check=False)

    def __getattr__(self, name: str) -> Any:
        field = fields_of(self._model).get(name)
        return getattr(self._process, name) if field is None else field.__get__(self, self._model)


#: what a summary may ask of a process without its document
_BESIDE = frozenset(
    ("id", "status", "created", "finished", "created_by", "flow_label", "flow_class", "artifact", "seed")
)


#: what it may ask of whoever started the process, and of a task, in a list
_OF_PEOPLE = frozenset(("id", "username", "full_name", "name"))
_OF_TASKS = frozenset(
    ("id", "number", "title", "created", "finished", "due", "priority", "status", "flow_task", "process_id")
)


@lru_cache(maxsize=1024)
def knows_enough_of_tasks(flow_class: Any) -> bool:
    """Whether the summaries of a flow ask of a task only what a row of a list has."""
    if flow_class is None:
        return True
    for node in flow_class.definition.nodes.values():
        for source in (node.summary_template, node.result_template):
            names = _names(source, "task") if source else frozenset()
            if names is None or not names <= _OF_TASKS:
                return False
    return True


def is_shown_in_part(flow_class: Any) -> bool:
    """Whether the summaries of a flow can do without the whole document."""
    return flow_class is None or names_shown(flow_class) is not None


@lru_cache(maxsize=1024)
def names_shown(flow_class: Any) -> frozenset[str] | None:
    """The fields of the process that the summaries of a flow speak of; None where they may use anything of it."""
    definition = flow_class.definition
    sources = [flow_class.process_summary_template, flow_class.process_result_template]
    for node in definition.nodes.values():
        sources += [node.summary_template, node.result_template]
    names: set[str] = set()
    for source in sources:
        found = _names(source or "", "process")
        if found is None:
            return None
        names |= found
    model = definition.process_class
    fields = fields_of(model) if model is not None else {}
    plain = {
        name for name, field in fields.items() if not isinstance(field, ReferenceField | ReferenceListField)
    }
    return frozenset(names) if names <= plain | _BESIDE else None


@lru_cache(maxsize=1024)
def _names(source: str, of: str) -> frozenset[str] | None:
    """The attributes of `process`, or of `task`, that a template reads; None where it does anything else with it."""
    try:
        tree = _environment.parse(source)
    except TemplateSyntaxError:
        return frozenset()
    asked = [each for each in tree.find_all(Getattr) if isinstance(each.node, Name) and each.node.name == of]
    named = sum(each.name == of for each in tree.find_all(Name))
    if named != len(asked) or any(each.attr == of for each in tree.find_all(Getattr)):
        return None
    if any(isinstance(each.arg, Const) and each.arg.value == of for each in tree.find_all(Getitem)):
        return None
    people = [each for each in asked if each.attr == "created_by"]
    known = [each for each in tree.find_all(Getattr) if each.node in people and each.attr in _OF_PEOPLE]
    if len(people) != len(known):
        return None
    return frozenset(each.attr for each in asked)


@lru_cache(maxsize=1024)
def constant_part(source: str) -> str:
    """The words of a template that stand in every summary made of it."""
    try:
        body = _environment.parse(source).body
    except TemplateSyntaxError:
        return ""
    parts = [part for each in body if isinstance(each, Output) for part in each.nodes]
    return " ".join(part.data for part in parts if isinstance(part, TemplateData))


def render(source: str, **context: Any) -> str:
    """The line that a template makes of a process: plain text, which pages escape like any other.

    Args:
        source: Jinja. What fails in it is logged and shows a placeholder.
        context: what the template knows: `process`, `task`, `flow`.
    """
    if not source:
        return ""
    if (words := _words(source)) is not None:
        return words
    process = context.get("process")
    loaded = getattr(process, "__dict__", {})
    if "data" not in loaded and loaded.get("_shown") is not None:
        context["process"] = Shown(process)
    try:
        # Escaped while it is rendered, so that a template's own tags are text and not markup, and turned back
        # into plain text here: whoever shows it escapes it once.
        text = contain(lambda: Markup(_compiled(source).render(**context)).unescape())
    except Exception as error:
        _tell(source, error, context)
        return PLACEHOLDER
    return _line(text)


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


@lru_cache(maxsize=1024)
def _words(source: str) -> str | None:
    """The line of a template that is the same for every process; None where it is not."""
    try:
        body = _environment.parse(source).body
    except TemplateSyntaxError:
        return None  # it is told where it is rendered
    parts = [part for each in body for part in (each.nodes if isinstance(each, Output) else (each,))]
    if not all(isinstance(part, TemplateData) for part in parts):
        return None
    return _line(Markup(_compiled(source).render()).unescape())


def _tell(source: str, error: Exception, context: dict[str, Any]) -> None:
    """Log a failure once: the same summary is rendered again for every list that it stands in."""
    process, task = context.get("process"), context.get("task")
    where = {
        "flow": getattr(process, "flow_label", None),
        "node": getattr(task, "flow_task", None),
        "process_id": getattr(process, "id", None),
        "task_id": getattr(task, "id", None),
    }
    cause = error.__cause__ if isinstance(error, CodeExit) else error
    key = (source, *where.values(), type(cause).__name__)
    if key in _told:
        return
    if len(_told) >= _MOST_TOLD:
        _told.clear()
    _told.add(key)
    log.warning(
        "a summary template of %s failed in process %s, task %s (%s): %s",
        where["flow"], where["process_id"], where["task_id"], where["node"], source, exc_info=cause, extra=where,
    )  # fmt: skip


def of_process(process: Any) -> str:
    """What a process is about, or what became of it once it is done."""
    flow_class = process.flow_class
    if flow_class is None:
        return ""
    source = flow_class.process_summary_template
    if process.status == "DONE" and flow_class.process_result_template:
        source = flow_class.process_result_template
    return render(source, process=process, flow=flow_class.definition)


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
    return render(source, process=task.process, task=task, flow=node.flow_class.definition)


def subject(process: Any) -> str:
    """What a process is about, whatever became of it."""
    flow_class = process.flow_class
    if flow_class is None:
        return ""
    return render(flow_class.process_summary_template, process=process, flow=flow_class.definition)
