"""Finds the flows of an application in the modules that its settings name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType

from portal.flow.base import Flow
from portal.flow.registry import Flows

#: looked for by itself, and nobody misses it when it is not there
DEFAULT = "flows"


def discover(names: Iterable[str]) -> Flows:
    """The flows in these modules and packages (and all below them). A class belongs to the module that defines it.

    Raises:
        FlowError: two flows have one label.
        ModuleNotFoundError: there is no such module.
    """
    flows = Flows()
    for name in names:
        for module in _modules(name):
            for value in list(vars(module).values()):
                if _is_flow(value) and value.__module__ == module.__name__:
                    flows.register(value)
    return flows


def _is_flow(value: object) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, Flow)
        and value is not Flow
        and bool(value._definition.nodes)
    )


def _modules(name: str) -> Iterator[ModuleType]:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if name == DEFAULT == error.name:
            return
        raise
    yield module
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
        yield importlib.import_module(found.name)
