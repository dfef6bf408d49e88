"""Renders the portal's pages: as an application around it has set Jinja, but for what our templates rely on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flask
from flask import Flask, current_app
from jinja2 import Environment, Undefined, defaults

from .mount import mount

_NAME = "portal_templates"


def render_template(names: str | Sequence[str], **context: Any) -> str:
    """Render the first of some templates that is there, as Flask does it, in the portal's environment."""
    app = current_app
    if mount().whole:
        environment: Environment = app.jinja_env
    else:  # made with the first page, when the application is whole; Jinja keeps the compiled templates in it
        environment = app.extensions.get(_NAME) or app.extensions.setdefault(_NAME, own_environment(app))
    found = environment.get_template(names) if isinstance(names, str) else environment.select_template(names)
    return flask.render_template(found, **context)


def own_environment(app: Flask) -> Environment:
    """The application's environment, with its loader, filters and globals, in which our templates mean what they say:
    names that are not given are empty, also where the application has them raise."""
    return app.jinja_env.overlay(
        block_start_string=defaults.BLOCK_START_STRING,
        block_end_string=defaults.BLOCK_END_STRING,
        variable_start_string=defaults.VARIABLE_START_STRING,
        variable_end_string=defaults.VARIABLE_END_STRING,
        comment_start_string=defaults.COMMENT_START_STRING,
        comment_end_string=defaults.COMMENT_END_STRING,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=Undefined,
    )
