"""Checks the attributes of a flow class that are no nodes: its settings and their names."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from . import mailing
from .base import Node
from .names import guess, near
from .reference import Reference
from .retention import Retention

if TYPE_CHECKING:
    from .declaration import Flow
    from .definition import Definition

_templates = Environment()  # it only parses; `portal.summaries` renders
_FUNCTIONS = (types.FunctionType, staticmethod, classmethod, property)


def faults(definition: Definition) -> Iterator[str]:
    """Each fault as the name of the node or attribute, and what is wrong with the mend."""
    flow_class = definition.flow_class
    yield from _misspelt(flow_class)
    yield from _texts(flow_class)
    for name in ("process_summary_template", "process_result_template"):
        yield from _template(definition, name, getattr(flow_class, name), ("process", "flow"))
    for node in definition.nodes.values():
        for name in ("summary_template", "result_template"):
            known = ("process", "task", "flow")
            yield from _template(definition, f"{node.name}: {name}", getattr(node, name), known)
        yield from _words(node)
    yield from _milestones(definition)
    yield from mailing.faults(definition)
    yield from _retention(flow_class.retention)


def _misspelt(flow_class: type[Flow]) -> Iterator[str]:
    """Attributes of an author's own that are spelt nearly like one of ours."""
    bases = [base for base in flow_class.__mro__ if base.__module__.startswith("portal.flow")]
    ours = {name for base in bases for name in vars(base) if not name.startswith("_")} - {
        "send",
        "definition",
    }
    for name, value in vars(flow_class).items():
        if type(value).__module__.startswith("portal.jsonstore"):
            owner = getattr(flow_class.process_class, "__name__", "a subclass of Process")
            yield f"{name}: is a field, which a process has and not a flow; move it to {owner}"
            continue
        if name.startswith("_") or name in ours or isinstance(value, (*_FUNCTIONS, Node)):
            continue
        whole = f"{name}_template"
        meant = whole if whole in ours else near(name, ours, closeness=0.8)
        if meant is not None:
            yield f"{name}: a flow has no such attribute; did you mean {meant}?"


def _texts(flow_class: type[Flow]) -> Iterator[str]:
    if not isinstance(flow_class.audit_reads, bool):
        yield f"audit_reads: takes True or False, not {flow_class.audit_reads!r}"
    if not isinstance(flow_class.propagate_errors, bool):
        yield f"propagate_errors: takes True or False, not {flow_class.propagate_errors!r}"
    keywords: object = flow_class.keywords
    if isinstance(keywords, str):
        yield f"keywords: takes a list of words; write [{keywords!r}]"
    elif not isinstance(keywords, Sequence) or not all(map(is_text, keywords)):
        yield f"keywords: takes a list of words, as in ['expense', 'travel'], not {keywords!r}"
    if not is_text(flow_class.category):
        yield f"category: takes the words of a heading, as in 'Finance', not {flow_class.category!r}"
    secret = flow_class.webhook_secret
    secrets = secret if isinstance(secret, list | tuple) else (secret,)
    if secret is not None and not all(
        isinstance(each, str) for each in secrets
    ):  # an empty one opens nothing
        yield f"webhook_secret: takes a text, or a list of texts while one is replaced, not {secret!r}"


def is_text(value: object) -> bool:
    """Whether it is words for people, or something of an author's that is translated when it is read."""
    return not isinstance(value, int | float | bytes | list | tuple | dict | set | None) and not callable(
        value
    )


def _words(node: Node) -> Iterator[str]:
    """Titles and the like that are no text."""
    for word, value in (("title", node._title), ("description", node.description)):
        if not is_text(value):
            yield f"{node.name}: .Annotation({word}=…) takes a text, not {value!r}; write {str(value)!r}"
    for edge in node.outgoing:
        if not is_text(edge.text):
            yield f"{node.name}: label= takes a text, not {edge.text!r}; write {str(edge.text)!r}"


def _template(definition: Definition, name: str, source: Any, known: tuple[str, ...]) -> Iterator[str]:
    """Finds mistakes in a template: names that nobody can read, and texts that would always be empty.

    Args:
        known: the names that it may use.
    """
    if not isinstance(source, str):
        yield f"{name}: takes the text of a template, not {source!r}"
        return
    if "{" not in source:  # as most are, it is plain text
        return
    try:
        parsed = _templates.parse(source)
        undeclared = meta.find_undeclared_variables(parsed)
        _templates.compile(parsed, raw=True)  # which also looks for the filters that it names
    except TemplateSyntaxError as error:
        words = str(error.message).rstrip(".")
        yield f"{name}: {source!r} cannot be read: {words}; write Jinja, as in '{{{{ process.<field> }}}}'"
        return
    for word in sorted(undeclared - {*known, *_templates.globals}):
        mend = guess(word, known, "") if near(word, known) else f"; it knows {', '.join(known)}"
        yield f"{name}: {source!r} names {word!r}, which is nothing there{mend}"
    model = definition.process_class
    if not hasattr(model, "flow_label"):
        return
    there = dir(model)  # to ask for the attributes themselves would make SQL of each field
    for read in parsed.find_all(nodes.Getattr):
        of_process = isinstance(read.node, nodes.Name) and read.node.name == "process"
        if of_process and read.attr not in there:
            fields = [each for each in there if not each.startswith("_")]
            mend = guess(read.attr, fields, "process.", all_known=False) or "; declare it, or name another"
            yield f"{name}: {source!r} reads process.{read.attr}, and {model.__name__} has no such field{mend}"


def _retention(rules: object) -> Iterator[str]:
    if isinstance(rules, Retention):
        yield "retention: takes a list; write [flow.Retention(…)]"
    elif not isinstance(rules, Sequence) or not all(isinstance(rule, Retention) for rule in rules):
        yield f"retention: takes a list of flow.Retention, not {rules!r}"


def _milestones(definition: Definition) -> Iterator[str]:
    milestones = definition.flow_class.milestones
    if not isinstance(milestones, Mapping):
        yield f'milestones: takes a mapping of words to nodes, as in {{"Paid": this.end}}, not {milestones!r}'
        return
    for word, node in milestones.items():
        name = getattr(node, "name", node)
        if not is_text(word):
            yield f"milestones: the words of {node!r} are a text, not {word!r}; write {str(word)!r}"
        if not isinstance(node, Reference | Node):
            yield f"milestones: {word!r} leads to {node!r}; write this.<node>"
        elif name not in definition.nodes:
            yield f"milestones: {word!r} names {node!r}, but there is no such node{guess(str(name), definition.nodes)}"
