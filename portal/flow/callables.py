"""Checks the callables that an author gives: how many arguments they take, and what their expressions compare."""

from __future__ import annotations

import datetime as dt
import inspect
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from .activation import Activation
from .kinds import Kind, kind_of
from .names import guess, near
from .reference import Expression, Owner, Reference, compared, path_of, reads
from .registry import registry

if TYPE_CHECKING:
    from .definition import Definition


class Called(NamedTuple):
    """Something that the engine will call.

    Args:
        what: names it in a message: `its function`, `.Due()`.
        call: a function, an `act` expression or `this.method`.
        given: what it is called with, in the order of its parameters.
        keywords: whether the caller of `run` adds keywords of its own.
        many: whether it may be a generator, whose items are read at once.
        gives: the types of what it may return, where an `act` expression alone can be known to return another.
    """

    what: str
    call: Any
    given: tuple[str, ...] = ("activation",)
    keywords: bool = False
    many: bool = False
    gives: tuple[type, ...] = ()


_NONE = object()
#: what an `act` expression may begin with
_OF_ACTIVATION = frozenset(
    {"process", "task", "node", "flow", "user", "now", "success_url", "active_tasks"}
) | {name for name in dir(Activation) if not name.startswith("_")}


def faults(definition: Definition, called: Called) -> Iterator[str]:
    """Why the engine could not call it, each with the mend."""
    what, call = called.what, called.call
    if isinstance(call, Owner):
        if call.node not in definition.nodes:
            known = guess(call.node, definition.nodes)
            yield f"{what} names {call!r}, but there is no node `{call.node}`{known}"
        elif not has_owner(definition.nodes[call.node]):
            yield f"{what} names {call!r}, but nobody does `{call.node}`; name a step of people"
    elif isinstance(call, Expression):
        yield from _unread(definition, called, call)
        yield from _incomparable(definition, called, call)
        yield from _other_kind(definition, called, call)
    elif isinstance(call, Reference):
        known_methods = methods(definition.flow_class)
        if call.name in known_methods:
            function = inspect.getattr_static(definition.flow_class, call.name)
            has_self = inspect.isfunction(function)
            function = function if has_self else getattr(definition.flow_class, call.name)
            yield from _unfit(called, function, f"the method `{call.name}`", has_self)
        else:
            if call.name in definition.nodes:
                owned = what.startswith(".Assign") and has_owner(definition.nodes[call.name])
                meant = f"for who did it write {call!r}.owner" if owned else "name a method"
                mend = f"; it is a node: {meant}"
            else:
                made = f"; write def {call.name}(self, {', '.join(called.given)}): …"
                mend = guess(call.name, known_methods, all_known=False) or made
            yield f"{what} names {call!r}, but the flow has no method `{call.name}`{mend}"
    elif isinstance(call, str) and call.isidentifier():
        yield f"{what} got the text {call!r}, which is no function; write this.{call}"
    elif not callable(call):
        yield f"{what}: {call!r} is no function; {_mend(definition, called)}"
    elif call in vars(definition.flow_class).values():  # a method, without `this`
        name = next(each for each, value in vars(definition.flow_class).items() if value is call)
        yield f"{what} got the method `{name}` without its flow; write this.{name}"
    else:
        yield from unfit(called)


def unfit(called: Called) -> Iterator[str]:
    """Why a plain function, or another object that can be called, could not be called so."""
    name = getattr(called.call, "__name__", type(called.call).__name__)
    yield from _unfit(called, called.call, "a lambda" if name == "<lambda>" else f"`{name}`")


def has_owner(node: Any) -> bool:
    """Whether somebody can have completed a node: a person, or who called it."""
    return bool(node.human or node.starts or node.handles)


def _mend(definition: Definition, called: Called) -> str:
    """Suggests what to write instead of a value that cannot be called."""
    call = called.call
    if isinstance(call, str) and call in methods(definition.flow_class):
        return f"write this.{call}"
    if isinstance(call, dict | list | tuple | bool | int | float):
        return f"write lambda {', '.join(called.given)}: {call!r}"
    return "give this.method, a function, a lambda or act.…"


def methods(flow_class: type) -> list[str]:
    """The names of what an author can mean by `this.method`."""
    own = (base for base in flow_class.__mro__ if not base.__module__.startswith(("portal.flow", "builtins")))
    names = sorted(
        {name for base in own for name in vars(base) if not name.startswith("__")} - {"process_class"}
    )
    return [name for name in names if callable(getattr(flow_class, name))]


def _unread(definition: Definition, called: Called, expression: Expression) -> Iterator[str]:
    """What an expression reads that is not there."""
    for path in sorted(reads(expression)):
        text = "act." + ".".join(path)
        if path[0] not in _OF_ACTIVATION:
            mend = "write act.process.… or act.task.…"
            yield f"{called.what} reads {text}, but an activation has no `{path[0]}`; {mend}"
        elif path[0] == "task" and len(path) > 1 and _lacks(registry.task_class, path[1]):
            known = [name for name in dir(registry.task_class) if not name.startswith("_")]
            mend = (
                guess(path[1], known, "act.task.", all_known=False) or f'; write act.task.data["{path[1]}"]'
            )
            yield f"{called.what} reads {text}, but a task has no `{path[1]}`{mend}"
        elif path[0] == "process" and len(path) > 1:
            model = definition.process_class or registry.plain_process
            if model is not None and _lacks(model, path[1]):
                mend = guess_field(path[1], model, "act.process.") or _declared(model, path[1])
                yield f"{called.what} reads {text}, but {model.__name__} has no field `{path[1]}`{mend}"


#: what can be compared with each other: numbers, texts, and each kind of moment with its like
_COMPARABLE: tuple[tuple[type, ...], ...] = (
    (int, float, Decimal),
    (str,),
    (dt.datetime,),
    (dt.date,),
    (dt.time,),
    (dt.timedelta,),
    (uuid.UUID,),
)
_WORDS = {
    int: "a number",
    str: "a text",
    dt.datetime: "a moment",
    dt.date: "a date",
    dt.time: "a time of day",
}


def _field_kind(definition: Definition, path: tuple[str, ...]) -> Kind | None:
    """The kind of the field to which these names lead; None where it is not known."""
    model = definition.process_class
    if len(path) != 2 or path[0] != "process" or not isinstance(model, type):
        return None
    field = inspect.getattr_static(model, path[1], None)
    members = getattr(field, "enum", None)
    kind = kind_of(field) if members is None else Kind(members, tuple(members))
    return kind if kind.type is not None or kind.choices else None


def _group(kind: type) -> tuple[type, ...] | None:
    return next((each for each in _COMPARABLE if issubclass(kind, each)), None)


def _incomparable(definition: Definition, called: Called, expression: Expression) -> Iterator[str]:
    """Values that a field never has, and those that cannot be compared with it."""
    for path, value in compared(expression):
        kind = _field_kind(definition, path)
        if kind is None or value is None or isinstance(value, Reference):
            continue
        text = "act." + ".".join(path)
        if kind.choices:
            if value not in kind.choices or isinstance(value, bool) is not isinstance(kind.choices[0], bool):
                yield f"{called.what} compares {text} with {value!r}, {_no_choice(value, kind.choices)}"
        elif kind.type is not None:
            group, other = _group(kind.type), _group(type(value))
            if kind.type is bool and other == (str,):
                yield f"{called.what} compares {text}, which is true or false, with {value!r}; write {text} or ~{text}"
            elif group is not None and other is not None and group is not other:
                given = _WORDS.get(other[0], other[0].__name__)
                wanted = _WORDS.get(group[0], f"a {group[0].__name__}")
                mend = f"write it as {wanted}"
                if other == (str,) and group == _COMPARABLE[0]:
                    mend = f"write it without quotes: {value}"
                elif group == (str,):
                    mend = f"write {str(value)!r}"
                yield f"{called.what} compares {text}, {wanted}, with {value!r}, {given}; {mend}"


def _no_choice(value: Any, choices: tuple[Any, ...]) -> str:
    """What a value is beside the choices of a field, with the mend."""
    member = next((each for each in choices if getattr(each, "value", choices) == value), None)
    if member is not None:
        return (
            f"and reads as a member of {type(member).__name__}; write {type(member).__name__}.{member.name}"
        )
    close = near(str(value), [str(each) for each in choices])
    meant = next((each for each in choices if str(each) == close), None)
    known = ", ".join(map(repr, choices))
    return f"which is none of its choices; {f'did you mean {meant!r}?' if close else f'there are: {known}'}"


def _other_kind(definition: Definition, called: Called, expression: Expression) -> Iterator[str]:
    """A field that is given where something of another kind is needed."""
    path = path_of(expression)
    kind = _field_kind(definition, path)
    if not called.gives or kind is None or kind.type is None or issubclass(kind.type, called.gives):
        return
    read = "activation." + ".".join(path)
    words = " or a ".join(each.__name__ for each in called.gives)
    mend = f"write lambda activation: …{read}…"
    if dt.timedelta in called.gives and issubclass(kind.type, int | float | Decimal):
        mend = f"write lambda activation: timedelta(days={read})"
    elif kind.type is dt.date:
        mend = f"write lambda activation: datetime.combine({read}, time(17), tzinfo=UTC)"
    yield f"{called.what} needs a {words}, and act.{'.'.join(path)} is a {kind.type.__name__}; {mend}"


def guess_field(name: str, model: Any, prefix: str = "") -> str:
    """A mend for a field that a process class does not have: one of its own, or one of ours that is very like it."""
    names = [each for each in dir(model) if not each.startswith("_")]
    ours = {each for each in names if hasattr(registry.plain_process, each)}
    own = guess(name, (each for each in names if each not in ours), prefix, all_known=False)
    close = near(name, ours, closeness=0.75)
    return own or (f"; did you mean {prefix}{close}?" if close else "")


def _lacks(model: type | None, name: str) -> bool:
    # asked so that no field is read, which would look for a class that is declared further on
    return model is not None and inspect.getattr_static(model, name, _NONE) is _NONE


def _declared(model: type, name: str) -> str:
    """The fields that an author has declared, for a message about one that is not among them."""
    bases = (
        base
        for base in model.__mro__
        if not base.__module__.startswith(("portal.", "builtins", "sqlalchemy"))
    )
    names = sorted({name for base in bases for name in vars(base) if not name.startswith("_")})
    if not names:
        return f"; declare {name} = jsonstore.StringField(…) or another field in a process class of the flow's own"
    return f"; declare {name} = jsonstore.StringField(…) or another field there (it has {', '.join(names)})"


def _unfit(called: Called, function: Any, name: str, has_self: bool = False) -> Iterator[str]:
    """What a function is or asks for that the engine cannot give."""
    called_method = vars(type(function)).get("__call__")  # of an object that can be called
    bodies = (function, called_method)
    if any(inspect.iscoroutinefunction(body) or inspect.isasyncgenfunction(body) for body in bodies):
        yield f"{called.what}: {name} is `async def`, and nobody would await it; write `def`"
        return
    if any(inspect.isgeneratorfunction(body) for body in bodies) and not called.many:
        yield f"{called.what}: {name} has a `yield`, so a call of it does nothing; return a value instead"
        return
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # it does not tell what it takes
        return
    if has_self and parameters and parameters[0].name == called.given[0]:
        names = ", ".join(each.name for each in parameters)
        yield f"{called.what}: {name} has no `self`; write `(self, {names})`"
        return
    yield from _miscounted(called, parameters[has_self:], ("self",) if has_self else (), name)


def _miscounted(
    called: Called, parameters: list[inspect.Parameter], before: tuple[str, ...], name: str
) -> Iterator[str]:
    placed = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    starred = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    needed = [each for each in placed if each.default is each.empty]
    asked = [each for each in parameters if each.kind is each.KEYWORD_ONLY and each.default is each.empty]
    given = f"({', '.join(called.given)})"
    if len(placed) < len(called.given) and not starred:
        taken = ", ".join(each.name for each in placed) or "nothing"
        mend = f"({', '.join((*before, *called.given))})"
        yield f"{called.what}: {name} takes {taken}, but is called with {given}; write `{mend}`"
    elif not called.keywords and (len(needed) > len(called.given) or asked):
        extra = ", ".join(f"`{each.name}`" for each in (*needed[len(called.given) :], *asked))
        yield f"{called.what}: {name} asks for {extra} too, but is called with {given} alone; give a default"
