"""Pages of a site that nobody sees: what `portal flows check` says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask
from jinja2 import Environment, TemplateError, nodes

from portal import folders
from portal.flow.names import guess, near
from portal.web.rendering import own_environment


def doubts(app: Flask, flows: Iterable[Any]) -> Iterator[str]:
    """What may be a slip in pages below `portal/<label>/`: a name that is nearly one, a block that no page has."""
    known = {each.definition.label: each.definition.nodes for each in flows}
    views = [node.view for each in known.values() for node in each.values()]
    named = {getattr(view, "template", None) for view in views}
    environment = own_environment(app)
    try:
        pages = environment.list_templates(extensions=["html"])
    except TypeError:  # a loader of the application's own that cannot tell what it has
        return
    for page in pages:
        folder, _, rest = page.partition("/")
        label, below, name = rest.partition("/")
        if folder != "portal" or not below or (folders.TEMPLATES / page).exists():
            continue
        if page not in named:
            yield from _misnamed(page, label, name.removesuffix(".html"), known)
        if label in known or page in named:
            yield from _unseen(environment, page)


def _misnamed(page: str, label: str, name: str, known: dict[str, Any]) -> Iterator[str]:
    if label not in known:
        meant = near(label, known, closeness=0.8)
        if meant:
            yield f"the page {page} is of no flow; did you mean portal/{meant}/{name}.html?"
        return
    names = ["form", *known[label]]
    meant = near(name, names)
    if meant and name not in names:
        yield f"the page {page} is of no node of {label}; did you mean portal/{label}/{meant}.html?"


def _unseen(environment: Environment, page: str) -> Iterator[str]:
    """Blocks that are in none of the pages which a page extends."""
    tree = _parsed(environment, page)
    if tree is None or tree.find(nodes.Extends) is None:
        return
    above = set(_blocks_above(environment, tree))
    for block in tree.body:
        if isinstance(block, nodes.Block) and above and block.name not in above:
            mend = guess(block.name, sorted(above), "")
            yield f"the page {page} has a block `{block.name}`, which nothing shows{mend}"


def _blocks_above(environment: Environment, tree: nodes.Template) -> Iterator[str]:
    """The names of the blocks of all pages that one extends; none where one of them cannot be known."""
    extended = tree.find(nodes.Extends)
    while extended is not None:
        parent = extended.template.value if isinstance(extended.template, nodes.Const) else ""
        found = _parsed(environment, parent)
        if found is None:
            return
        yield from (block.name for block in found.find_all(nodes.Block))
        extended = found.find(nodes.Extends)


def _parsed(environment: Environment, name: str) -> nodes.Template | None:
    try:
        assert environment.loader is not None
        source, _file, _fresh = environment.loader.get_source(environment, name)
        return environment.parse(source, name)
    except TemplateError:
        return None
