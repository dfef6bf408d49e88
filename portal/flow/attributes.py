"""Checks the attributes of a flow class that are no nodes: its settings and their names."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, TemplateSyntaxError

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
        yield from _template(name, getattr(flow_class, name))
    for node in definition.nodes.values():
        yield from _template(f"{node.name}: summary_template", node.summary_template)
        yield from _template(f"{node.name}: result_template", node.result_template)
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
        if name.startswith("_") or name in ours or isinstance(value, (*_FUNCTIONS, Node)):
            continue
        meant = near(name, ours, closeness=0.8)
        if meant is not None:
            yield f"{name}: a flow has no such attribute; did you mean {meant}?"


def _texts(flow_class: type[Flow]) -> Iterator[str]:
    if not isinstance(flow_class.audit_reads, bool):
        yield f"audit_reads: takes True or False, not {flow_class.audit_reads!r}"
    keywords: object = flow_class.keywords
    if isinstance(keywords, str):
        yield f"keywords: takes a list of words; write [{keywords!r}]"
    elif not isinstance(keywords, Sequence) or not all(isinstance(word, str) for word in keywords):
        yield f"keywords: takes a list of words, as in ['expense', 'travel'], not {keywords!r}"
    if not isinstance(flow_class.category, str):
        yield f"category: takes the words of a heading, as in 'Finance', not {flow_class.category!r}"


def _template(name: str, source: Any) -> Iterator[str]:
    if not isinstance(source, str):
        yield f"{name}: takes the text of a template, not {source!r}"
        return
    try:
        _templates.compile(source, raw=True)  # which also looks for the filters that it names
    except TemplateSyntaxError as error:
        words = str(error.message).rstrip(".")
        yield f"{name}: {source!r} cannot be read: {words}; write Jinja, as in '{{{{ process.<field> }}}}'"


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
        if not isinstance(node, Reference | Node):
            yield f"milestones: {word!r} leads to {node!r}; write this.<node>"
        elif name not in definition.nodes:
            yield f"milestones: {word!r} names {node!r}, but there is no such node{guess(str(name), definition.nodes)}"
