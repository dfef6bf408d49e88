"""The documentation as a site: `nox -s docs`, or `sphinx-build -W docs docs/_build`."""

import re
from importlib.metadata import version as version_of
from typing import Any

project = "Portal"
author = "The Portal developers"
copyright = f"2026, {author}"
version = release = version_of("flask-flow-portal")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = project

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autoclass_content = "class"
# What SQLAlchemy, Flask and WTForms bring is described by them.
autodoc_inherit_docstrings = False

ONE_BACKTICK = re.compile(r"(?<![`:])`([^`\n]+)`(?!`)")


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", _code, priority=100)  # ahead of napoleon


def _code(_app: Any, _kind: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Docstrings write code with one backtick, as Markdown does; reStructuredText wants two."""
    lines[:] = [ONE_BACKTICK.sub(r"``\1``", line) for line in lines]
