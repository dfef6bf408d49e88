"""`this` and `act`: names of things that are declared elsewhere, and values that are read while a process runs."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from .activation import Activation


class Owner:
    """`this.node.owner`: the user who last completed that node in this process."""

    def __init__(self, node: str) -> None:
        self.node = node

    def __call__(self, activation: Activation) -> Any:
        return activation.owner_of(self.node)

    def __repr__(self) -> str:
        return f"this.{self.node}.owner"


class Reference:
    """`this.name`: a node or a method of the flow, declared anywhere in the class."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def owner(self) -> Owner:
        return Owner(self.name)

    def __repr__(self) -> str:
        return f"this.{self.name}"


class This:
    """The flow being declared."""

    def __getattr__(self, name: str) -> Reference:
        if name.startswith("__"):
            raise AttributeError(name)
        return Reference(name)


class Expression:
    """A value read from an activation: `act.process.amount > 1000`.

    It is called with the activation. Attributes, items, comparisons, arithmetic, `&`, `|` and `~` make new ones.
    """

    __slots__ = ("_read", "_text")

    def __init__(self, read: Callable[[Any], Any], text: str) -> None:
        self._read = read
        self._text = text

    def __call__(self, activation: Activation) -> Any:
        return self._read(activation)

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("_"):
            raise AttributeError(name)
        return Expression(
            lambda a: getattr(self._read(a), name), f"{self._text}.{name}" if self._text else name
        )

    def __getitem__(self, key: Any) -> Expression:
        return Expression(lambda a: self._read(a)[key], f"{self._text}[{key!r}]")

    def in_(self, values: Any) -> Expression:
        """Whether the value is one of these."""
        return _combine(lambda value, options: value in options, "in", self, values)

    def __invert__(self) -> Expression:
        return Expression(lambda a: not self._read(a), f"not {_words(self)}")

    def __bool__(self) -> NoReturn:
        raise TypeError("a condition has no value before it runs: combine with & | ~ instead of and, or, not")

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"act.{self._text}"

    def __str__(self) -> str:
        return self._text.removeprefix("process.").replace("_", " ")

    if TYPE_CHECKING:

        def __eq__(self, other: object) -> Expression: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Expression: ...  # type: ignore[override]
        def __lt__(self, other: Any) -> Expression: ...
        def __le__(self, other: Any) -> Expression: ...
        def __gt__(self, other: Any) -> Expression: ...
        def __ge__(self, other: Any) -> Expression: ...
        def __and__(self, other: Any) -> Expression: ...
        def __or__(self, other: Any) -> Expression: ...


def _value(operand: Any, activation: Any) -> Any:
    return operand._read(activation) if isinstance(operand, Expression) else operand


def _words(operand: Any) -> str:
    if not isinstance(operand, Expression):
        return repr(operand)
    text = operand._text.removeprefix("process.")
    return f"({text})" if " and " in text or " or " in text else text


def _combine(apply: Callable[[Any, Any], Any], sign: str, left: Any, right: Any) -> Expression:
    return Expression(
        lambda a: apply(_value(left, a), _value(right, a)), f"{_words(left)} {sign} {_words(right)}"
    )


def _infix(
    apply: Callable[[Any, Any], Any], sign: str, swapped: bool = False
) -> Callable[[Any, Any], Expression]:
    if swapped:
        return lambda self, other: _combine(apply, sign, other, self)
    return lambda self, other: _combine(apply, sign, self, other)


def _lazy(sign: str, left: Any, right: Any, stop: bool) -> Expression:
    """`and` and `or` that leave the right side alone when the left one decides."""

    def read(activation: Any) -> bool:
        first = bool(_value(left, activation))
        return first if first is stop else bool(_value(right, activation))

    return Expression(read, f"{_words(left)} {sign} {_words(right)}")


for _name, _sign in {"eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥"}.items():
    setattr(Expression, f"__{_name}__", _infix(getattr(operator, _name), _sign))
for _name, _sign in {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "mod": "%"}.items():
    setattr(Expression, f"__{_name}__", _infix(getattr(operator, _name), _sign))
    setattr(Expression, f"__r{_name}__", _infix(getattr(operator, _name), _sign, swapped=True))
setattr(Expression, "__and__", lambda self, other: _lazy("and", self, other, stop=False))
setattr(Expression, "__rand__", lambda self, other: _lazy("and", other, self, stop=False))
setattr(Expression, "__or__", lambda self, other: _lazy("or", self, other, stop=True))
setattr(Expression, "__ror__", lambda self, other: _lazy("or", other, self, stop=True))

this = This()
act = Expression(lambda activation: activation, "")
