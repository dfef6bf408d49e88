"""What nodes of people ask for: a permission, and a form."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

from .base import Call, NextNode
from .callables import Called
from .reference import Reference, is_call

if TYPE_CHECKING:
    from .activation import Activation

View_ = Callable[["Activation[Any]"], Any] | Reference


class Permitted(NextNode):
    """A node that asks for a permission."""

    def __init__(self) -> None:
        super().__init__()
        self._permission: str | None = None
        self._auto_permission = False
        self._asks_for_none = False
        self._permission_obj: Call | None = None

    def Permission(
        self, permission: str | None = None, *, auto_create: bool = False, obj: Call | None = None
    ) -> Self:
        """Ask for a permission.

        Args:
            permission: its name, such as `shop.approve`.
            auto_create: name it `<label>.can_<node>` instead.
            obj: a callable of the activation that returns an object (or its key): who holds the permission for
                this object alone, `shop.approve:42`, may do the task too.
        """
        self._permission, self._auto_permission, self._permission_obj = permission, auto_create, obj
        self._asks_for_none = not permission and not auto_create and obj is None
        return self

    @property
    def permission(self) -> str | None:  # type: ignore[override]
        if self._auto_permission:
            return f"{self.flow_class.definition.label}.can_{self.name}"
        return self._permission

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not isinstance(self._permission, str | None):
            yield f'.Permission() takes the name of a permission, not {self._permission!r}; write "shop.approve"'
        elif self._permission and (self._auto_permission or " " in self._permission.strip("* ")):
            named = self._permission.strip().replace(" ", "_")
            rest = (
                "auto_create=True names it, too; leave one out"
                if self._auto_permission
                else f'write "{named}"'
            )
            yield f".Permission({self._permission!r}) is the name of a permission, without spaces; {rest}"
        if self._asks_for_none:
            yield '.Permission() names none; write .Permission(auto_create=True) or .Permission("shop.approve")'
        if not self._auto_permission and self._permission is None and self._permission_obj is not None:
            yield ".Permission(obj=…) needs the name of a permission or auto_create=True"


class Form(Permitted):
    """A node with a form."""

    def __init__(self, view: View_ | None) -> None:
        super().__init__()
        self.view = view

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if self.view is None or not is_call(self.view):
            yield f"{self.kind}() needs a view: a ready one's `.as_view(…)`, a function or this.method"
            return
        if isinstance(self.view, type):
            yield _class_for_view(self.kind, self.view)
            return
        check = getattr(self.view, "faults", None)
        if check is not None:
            yield from check(self.flow_class)

    def calls(self) -> Iterator[Called]:
        yield from super().calls()
        if isinstance(self.view, Reference) or inspect.isroutine(self.view):
            yield Called("the view", self.view)

    def respond(self, activation: Activation) -> Any:
        """What the view answers to the person's request."""
        return self.call(self.view, activation)


def _class_for_view(kind: str, given: type) -> str:
    if hasattr(given, "as_view"):
        return f"{kind}() got the class {given.__name__}; write {given.__name__}.as_view(fields=[…])"
    mend = "write a ready view's .as_view(fields=[…]), or a function view(activation)"
    return f"{kind}() got the class {given.__name__}, which is no view; {mend}"
