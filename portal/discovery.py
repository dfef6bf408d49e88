"""Finds the flows of an application in the modules that its settings name, and those of the current application."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from flask import Flask, current_app

from portal.errors import PortalError
from portal.flow.base import Node
from portal.flow.declaration import Flow
from portal.flow.registry import Flows, registry

#: looked for by itself, and nobody misses it when it is not there
DEFAULT = "flows"


class NoSuchModule(PortalError, ModuleNotFoundError):
    """The settings name a module that is not there."""


def discover_for(app: Flask, names: Iterable[str]) -> Flows:
    """Let an application have the flows in these modules; see `discover`."""
    flows = app.extensions["portal_flows"] = discover(names)
    registry.bind(_current_flows)
    return flows


def _current_flows() -> Flows | None:
    try:  # to look first whether there is one would take twice the time, and this is asked often
        flows: Flows = current_app.extensions["portal_flows"]
    except (RuntimeError, KeyError):
        return None
    return flows


def discover(names: Iterable[str]) -> Flows:
    """The flows in these modules and packages (and all below them). A class belongs to the module that defines it.

    Raises:
        FlowError: two flows have one label.
        NoSuchModule: there is no such module.
    """
    flows, others = Flows(), []
    for name in names:
        for module in _modules(name):
            for value in list(vars(module).values()):
                if not isinstance(value, type) or value.__module__ != module.__name__:
                    continue
                if _is_flow(value):
                    flows.register(value)
                elif not issubclass(value, Flow) and any(
                    isinstance(each, Node) for each in vars(value).values()
                ):
                    others.append(value)
    flows.strays = tuple(
        each for each in others if not any(issubclass(found, each) for found in flows.values())
    )
    return flows


def _is_flow(value: type) -> bool:
    return issubclass(value, Flow) and value is not Flow and bool(value.definition.nodes)


def _prefer_own(module: ModuleType) -> None:
    """Read the folder `flows` that the portal is started in, also where it has no `__init__.py`.

    To Python such a folder counts less than a package of that name that is installed, as our examples are where the
    project is installed as editable.
    """
    own = Path.cwd() / DEFAULT
    if own.is_dir() and own.resolve() not in [Path(each).resolve() for each in module.__path__]:
        module.__path__ = [str(own)]


def _mend(name: str, missing: str) -> str:
    """What to write instead of a name that is a file, or that of a class in a module."""
    if name.endswith(".py"):
        return f"; write {name.removesuffix('.py').strip('./').replace('/', '.')}"
    module, _, last = missing.rpartition(".")
    return f", a class; write {module}" if hasattr(sys.modules.get(module), last) else ""


def _modules(name: str) -> Iterator[ModuleType]:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if name == DEFAULT == error.name:
            return
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise NoSuchModule(
                f"there is no module {error.name!r}: PORTAL_FLOWS names {name!r}{_mend(name, error.name)}"
            ) from error
        raise
    if name == DEFAULT:
        _prefer_own(module)
    yield module
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
        yield importlib.import_module(found.name)
