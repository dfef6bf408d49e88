"""The port through which the language calls the engine, which binds itself when it is imported."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from portal.errors import PortalError

if TYPE_CHECKING:
    from .activation import Activation
    from .base import Node


class Actions(Protocol):
    """What the engine can be asked to do with model objects or their ids."""

    def start(self, node: Node, kwargs: dict[str, Any]) -> Any: ...
    def handle(self, node: Node, kwargs: dict[str, Any]) -> Any: ...
    def send(self, flow_class: Any, name: str, kwargs: dict[str, Any]) -> None: ...
    def throw_signal(self, name: str, user: Any) -> None: ...
    def activation(self, task: Any, user: Any) -> AbstractContextManager[Activation]: ...
    def cancel_process(self, process: Any, user: Any, reason: str | None) -> None: ...
    def suspend(self, process: Any, user: Any, reason: str | None) -> None: ...
    def resume(self, process: Any, user: Any, reason: str | None) -> None: ...
    def withdraw(self, process: Any, user: Any, reason: str | None) -> None: ...


_bound: list[Actions] = []


def bind(actions: Actions) -> None:
    _bound[:] = [actions]


def throw_signal(name: str, *, _user: Any = None) -> None:
    """Throw a signal from a program: it releases every armed catch with this name, in every process.

    Args:
        name: of the signal.
        _user: who acts, a user or an id; the system when it is left out.

    Raises:
        UnsavedChanges: the session holds changes that are not saved.
    """
    actions().throw_signal(name, _user)


def actions() -> Actions:
    if not _bound:
        raise PortalError("The engine is not there yet: make an application with `create_app()` first.")
    return _bound[0]
