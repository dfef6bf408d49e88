"""Reads the templates of authors' forms when the application is made, not at the first request."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from jinja2 import Environment, TemplateNotFound, TemplateSyntaxError, nodes

from portal.errors import Fault, FlowError

from ..rendering import own_environment
from ..tasks.context import form_templates
from .form_view import FormView


def check(app: Flask, flow_classes: Any) -> None:
    """Read the page of every node with a form that has one of its own.

    Raises:
        FlowError: a page cannot be found or parsed; with the class, the node, the file and the mend.
    """
    environment = app.jinja_env if app.extensions["portal_mount"].whole else own_environment(app)
    faults = [
        Fault(f"{flow_class.__name__}.{node.name}", fault, *node.place)
        for flow_class in flow_classes
        for node in flow_class.definition.nodes.values()
        if node.human
        for fault in _faults(app, environment, node)
    ]
    if faults:
        raise FlowError(faults=faults)


def _faults(app: Flask, environment: Environment, node: Any) -> Iterator[str]:
    view = node.view
    given = view.template if isinstance(view, FormView) else None
    if view is not None and not isinstance(view, FormView):
        return  # a view written by hand says itself what its page is
    for name in (given,) if given else form_templates(node)[:-1]:
        try:
            _read(environment, name)
        except TemplateNotFound as error:
            if error.name != name:
                lacking = str(error.name)
                yield f"the template `{name}` needs `{lacking}`, which cannot be found; {_mend(app, lacking)}"
            elif given:
                own = form_templates(node)[0]
                yield (
                    f"the template `{name}` of {_place(node)} cannot be found; {_mend(app, name)} "
                    f"(without template= it would be {own}, if that is there)"
                )
        except TemplateSyntaxError as error:
            place = f"{error.filename or error.name}, line {error.lineno}"
            yield f"the template `{name}` cannot be read: {error.message} ({place}); mend it there"


def _read(environment: Environment, name: str) -> None:
    """Compile a template, and look for those that it cannot do without."""
    environment.get_template(name)
    source, file, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
    needed = nodes.Extends, nodes.Import, nodes.FromImport
    for part in environment.parse(source, name, file).find_all(needed):
        template: Any = getattr(part, "template", None)
        if isinstance(template, nodes.Const):
            environment.get_template(template.value)


def _place(node: Any) -> str:
    """The file that declares the flow."""
    try:
        return inspect.getfile(node.flow_class)
    except (OSError, TypeError):
        return str(node.flow_class.__module__)


def _mend(app: Flask, name: str) -> str:
    folder = Path(app.root_path) / str(app.template_folder)
    return f"put it at {folder / name}, or correct its name"
