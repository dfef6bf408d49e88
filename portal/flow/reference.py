"""`this` and `act`: names of things that are declared elsewhere, and values that are read while a process runs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from portal.models import User

    from .activation import Activation


#: how close the operators bind; what binds less stands in parentheses, and so does `and` beside `or`
_BINDS = {"*": 5, "/": 5, "//": 5, "%": 5, "+": 4, "-": 4, "not": 2, "and": 1, "or": 1}
_COMPARISON = 3
_ATOM = 6


#: no activation was given
_MISSING: Any = object()


class Owner:
    """`this.node.owner`: the user who last completed that node in this process."""

    def __init__(self, node: str) -> None:
        self.node = node

    def __call__(self, activation: Activation[Any]) -> User | None:
        return activation.owner_of(self.node)

    def __repr__(self) -> str:
        return f"this.{self.node}.owner"


class Reference:
    """`this.name`: a node or a method of the flow, declared anywhere in the class.

    Attributes:
        owner: the user who last completed the node in this process.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def owner(self) -> Owner:
        return Owner(self.name)

    def __repr__(self) -> str:
        return f"this.{self.name}"


def is_call(given: Any) -> bool:
    """Whether the engine calls what an author gave: a function, an `act` expression or `this.method`."""
    return callable(given) or isinstance(given, Reference)


class This:
    """The flow being declared: `this.name` refers to a node or a method of it, declared anywhere in the class."""

    def __repr__(self) -> str:
        return "this"

    def __getattr__(self, name: str) -> Reference:
        if name.startswith("__"):
            raise AttributeError(name)
        return Reference(name)


class Compared(NamedTuple):
    """A value that an expression compares with something that it reads.

    Args:
        path: the names that lead to what it reads from the activation.
    """

    path: tuple[str, ...]
    value: Any


class Expression:
    """A value read from an activation: `act.process.amount > 1000`.

    It is called with the activation. Attributes, items, comparisons, arithmetic, `&`, `|` and `~` make new ones.
    """

    __slots__ = ("_binds", "_compared", "_path", "_read", "_reads", "_text")

    def __init__(
        self,
        read: Callable[[Any], Any],
        text: str,
        binds: int = _ATOM,
        *,
        path: tuple[str, ...] | None = None,
        reads: frozenset[tuple[str, ...]] = frozenset(),
        compared: tuple[Compared, ...] = (),
    ) -> None:
        self._read = read
        self._text = text
        self._binds = binds
        #: the names from the activation to the value, where it is nothing but read
        self._path = path
        #: the same for every value that takes part
        self._reads = frozenset({path}) if path else reads
        #: the values that are compared with something that is nothing but read
        self._compared = compared

    def __call__(self, activation: Activation[Any] = _MISSING) -> Any:
        if activation is _MISSING:  # `act.process.is_large()`
            mend = f"write lambda activation: activation.{self._text}()"
            raise TypeError(f"act.{self._text} is called while the class is made; {mend}")
        return self._read(activation)

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("_"):
            raise AttributeError(name)
        text = f"{_inner(self)}.{name}" if self._text else name
        path = None if self._path is None else (*self._path, name)
        return Expression(lambda a: getattr(self._read(a), name), text, path=path, reads=self._reads)

    def __getitem__(self, key: Any) -> Expression:
        return Expression(lambda a: self._read(a)[key], f"{_inner(self)}[{key!r}]", reads=self._reads)

    def in_(self, values: Any) -> Expression:
        """Whether the value is one of these."""
        return _combine(lambda value, options: value in options, "in", self, values)

    def __invert__(self) -> Expression:
        text = f"not {_words(self, _BINDS['not'])}"
        inner = self._compared
        return Expression(lambda a: not self._read(a), text, _BINDS["not"], reads=self._reads, compared=inner)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a condition has no value before it runs: combine with & | ~ instead of and, or, not; "
            "for `in` write .in_([…])"
        )

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"act.{self._text}" if self._text else "act"

    def __str__(self) -> str:
        return self._text.removeprefix("process.").replace("_", " ")

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return _combine(operator.eq, "=", self, other)

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        return _combine(operator.ne, "≠", self, other)

    def __lt__(self, other: Any) -> Expression:
        return _combine(operator.lt, "<", self, other)

    def __le__(self, other: Any) -> Expression:
        return _combine(operator.le, "≤", self, other)

    def __gt__(self, other: Any) -> Expression:
        return _combine(operator.gt, ">", self, other)

    def __ge__(self, other: Any) -> Expression:
        return _combine(operator.ge, "≥", self, other)

    def __add__(self, other: Any) -> Expression:
        return _combine(operator.add, "+", self, other)

    def __radd__(self, other: Any) -> Expression:
        return _combine(operator.add, "+", other, self)

    def __sub__(self, other: Any) -> Expression:
        return _combine(operator.sub, "-", self, other)

    def __rsub__(self, other: Any) -> Expression:
        return _combine(operator.sub, "-", other, self)

    def __mul__(self, other: Any) -> Expression:
        return _combine(operator.mul, "*", self, other)

    def __rmul__(self, other: Any) -> Expression:
        return _combine(operator.mul, "*", other, self)

    def __truediv__(self, other: Any) -> Expression:
        return _combine(operator.truediv, "/", self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return _combine(operator.truediv, "/", other, self)

    def __floordiv__(self, other: Any) -> Expression:
        return _combine(operator.floordiv, "//", self, other)

    def __rfloordiv__(self, other: Any) -> Expression:
        return _combine(operator.floordiv, "//", other, self)

    def __mod__(self, other: Any) -> Expression:
        return _combine(operator.mod, "%", self, other)

    def __rmod__(self, other: Any) -> Expression:
        return _combine(operator.mod, "%", other, self)

    def __and__(self, other: Any) -> Expression:
        return _lazy("and", self, other, stop=False)

    def __rand__(self, other: Any) -> Expression:
        return _lazy("and", other, self, stop=False)

    def __or__(self, other: Any) -> Expression:
        return _lazy("or", self, other, stop=True)

    def __ror__(self, other: Any) -> Expression:
        return _lazy("or", other, self, stop=True)


def _value(operand: Any, activation: Any) -> Any:
    return operand._read(activation) if isinstance(operand, Expression) else operand


def _words(operand: Any, binds: int = 0) -> str:
    """An operand in the text of an expression.

    Args:
        binds: how close the operator beside it binds.
    """
    if not isinstance(operand, Expression):
        return repr(operand)
    text = operand._text.removeprefix("process.")
    return f"({text})" if operand._binds < binds or operand._binds == 1 else text


def _inner(operand: Expression) -> str:
    """An expression of which a part is read."""
    return operand._text if operand._binds == _ATOM else f"({operand._text})"


def _combine(apply: Callable[[Any, Any], Any], sign: str, left: Any, right: Any) -> Expression:
    binds = _BINDS.get(sign, _COMPARISON)
    chain = binds > _COMPARISON  # a - (b - c) needs its parentheses, (a - b) - c does not
    text = f"{_words(left, binds if chain else binds + 1)} {sign} {_words(right, binds + 1)}"
    compared = _all_compared(left, right)
    if binds == _COMPARISON:
        compared += tuple(_comparisons(sign, left, right))

    def read(activation: Any) -> Any:
        values = _value(left, activation), _value(right, activation)
        try:
            return apply(*values)
        except TypeError as error:  # no line of the author's stands in its traceback
            raise TypeError(f"{text}: {error}") from error

    return Expression(
        read,
        text,
        binds,
        reads=_all_reads(left, right),
        compared=compared,
    )


def _comparisons(sign: str, left: Any, right: Any) -> Iterator[Compared]:
    """The values beside something that is nothing but read."""
    for read, other in ((left, right), (right, left)):
        path = read._path if isinstance(read, Expression) else None
        if path and not isinstance(other, Expression):
            listed = sign == "in" and isinstance(other, list | tuple | set | frozenset)
            yield from (
                Compared(path, each) for each in (other if listed else (other,) if sign != "in" else ())
            )


def _all_compared(*operands: Any) -> tuple[Compared, ...]:
    return tuple(
        each for operand in operands if isinstance(operand, Expression) for each in operand._compared
    )


def _all_reads(*operands: Any) -> frozenset[tuple[str, ...]]:
    return frozenset().union(*(each._reads for each in operands if isinstance(each, Expression)))


def _lazy(sign: str, left: Any, right: Any, stop: bool) -> Expression:
    """`and` and `or` that leave the right side alone when the left one decides."""

    def read(activation: Any) -> bool:
        first = bool(_value(left, activation))
        return first if first is stop else bool(_value(right, activation))

    text = f"{_words(left)} {sign} {_words(right)}"
    reads_, compared = _all_reads(left, right), _all_compared(left, right)
    return Expression(read, text, _BINDS[sign], reads=reads_, compared=compared)


def reads(expression: Expression) -> frozenset[tuple[str, ...]]:
    """What an expression reads: for each value the names that lead to it from the activation."""
    return expression._reads


def compared(expression: Expression) -> tuple[Compared, ...]:
    """The values that an expression compares with something that is nothing but read."""
    return expression._compared


def path_of(expression: Expression) -> tuple[str, ...]:
    """The names that lead from the activation to what an expression reads; none where it does more than that."""
    return expression._path or ()


this = This()
act = Expression(lambda activation: activation, "", path=())
