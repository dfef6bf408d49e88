"""Calls handles of a flow, as `MyFlow.node.run(…)` does, with keywords from a request."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app

from portal.engine import api as engine
from portal.engine.interpreter import messages
from portal.errors import PortalError
from portal.flow import registry
from portal.flow.reference import Reference
from portal.jsonstore import fields_of
from portal.models import Process, User, db
from portal.web.problems import Invalid

#: what a function raises at data of another shape than it reads; all else it raises is a fault of ours
_UNFIT = (TypeError, AttributeError, LookupError, ArithmeticError)


def handle_named(label: str, name: str) -> Any:
    """The node of this name that programs call: a handle, a message catch or a start handle. None if there is none."""
    flow = registry.get(label)
    node: Any = flow.definition.nodes.get(name) if flow is not None else None
    if node is None or "__" in name:
        return None
    return node if node.handles or (node.starts and not node.human and not node.schedules) else None


def receiver_of(node: Any, body: dict[str, Any]) -> Process | None:
    """The process that a body names, which is one of the node's flow. None for a start, and while none has such fields.

    Raises:
        Invalid: there is no such process, or none is named.
    """
    number: int | None = body.get("process")
    if "where" in body and not node.keeps_messages:
        raise Invalid({"where": ["Only a message catch finds its receiver by fields: say which process."]})
    if node.starts or "where" in body:
        if number is not None:
            raise Invalid({"process": ["Leave it out: a start has none, and `where` names another one."]})
        return None if node.starts else _found(node, body["where"])
    if number is None:
        raise Invalid({"process": ["Say which process."]})
    process = db.session.get(Process, number) if 0 < number < 2**63 else None
    if process is None or process.flow_label != node.flow_class.definition.label:
        raise Invalid({"process": ["The flow has no such process."]})
    return process


def _found(node: Any, where: dict[str, Any]) -> Process | None:
    """The unfinished process whose fields have these values. None if there is none yet.

    Raises:
        Invalid: there are several, no such field, or it cannot have such a value.
    """
    fields = fields_of(node.flow_class.process_class or Process)
    wanted: dict[str, Any] = {}
    for name, value in where.items():
        if name not in fields or isinstance(value, dict | list):
            raise Invalid({f"where.{name}": ["Receivers are found by plain values of the flow's fields."]})
        try:
            wanted[name] = fields[name].clean(fields[name].from_json(value))
        except (ValueError, TypeError, ArithmeticError) as error:
            raise Invalid({f"where.{name}": ["The field cannot have this value."]}) from error
    if not wanted:
        raise Invalid({"where": ["Name at least one field."]})
    try:
        number = messages.receiver(db.session(), node, wanted)
    except PortalError as error:
        raise Invalid({"where": [str(error)]}) from error
    return None if number is None else db.session.get(Process, number)


def call(node: Any, body: dict[str, Any], user: User | None, key: str | None = None) -> int | None:
    """Call a handle.

    Args:
        user: who calls; None is the system.
        key: drops a second message with the same one, of a message catch.

    Returns:
        The id of the process, if it is known.

    Raises:
        Invalid: the function takes no such keywords, or raises at their values.
        TransitionNotAllowed: the process does not wait here.
    """
    data: dict[str, Any] = body["data"]
    demand_keywords(data)
    demand_fitting(node, data)
    process = receiver_of(node, body)
    process_id = None if process is None else process.id
    target: dict[str, Any] = {"_user": user}
    if not node.starts:
        target["process"] = process_id
    if not node.starts and node.keeps_messages:
        target |= {"_where": body.get("where") if process is None else None, "_key": key}
    started: list[int] = []
    with telling():
        if node.starts:
            engine.start(node, target | data, started.append)
        else:
            node.run(**target, **data)
    return started[-1] if started else process_id


@contextmanager
def telling() -> Iterator[None]:
    """Tell the caller what an author's function raises at data that came from outside; nothing has happened.

    Raises:
        Invalid: with the words of a ValueError, or the kind and the words of what it raises at data of another shape
            than it reads, which the log has too.
    """
    try:
        yield
    except ValueError as error:
        raise Invalid({"data": [str(error)]}) from error
    except PortalError as error:
        if type(error) is PortalError:  # what is kept as a message is no JSON, or its receiver has just come
            raise Invalid({"data": [str(error)]}) from error
        raise
    except _UNFIT as error:
        current_app.logger.warning("a function of a flow did not take its data", exc_info=error)
        raise Invalid({"data": [f"{type(error).__name__}: {error}"]}) from error


def demand_keywords(data: dict[str, Any]) -> None:
    """Refuse names that are no keywords of an author's function.

    Raises:
        Invalid: with each of them.
    """
    strange = [
        name
        for name in data
        if not name.isidentifier() or name.startswith("_") or name in ("process", "task")
    ]
    if strange:
        raise Invalid({f"data.{name}": ["No function takes such a keyword."] for name in strange})


def demand_fitting(node: Any, data: dict[str, Any]) -> None:
    """Refuse keywords that the node's function does not take, before anything is done.

    Raises:
        Invalid
    """
    if node.func is None:
        if data:
            raise Invalid({f"data.{name}": ["This step takes no data."] for name in data})
        return
    function, given = node.func, 1
    if isinstance(function, Reference):
        found = inspect.getattr_static(node.flow_class, function.name)
        given += inspect.isfunction(found)  # its self
        function = found if inspect.isfunction(found) else getattr(node.flow_class, function.name)
    try:
        inspect.signature(function).bind(*[None] * given, **data)
    except TypeError as error:
        raise Invalid({"data": [f"The function of this step: {error}."]}) from error
