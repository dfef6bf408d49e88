"""Renames classes, flows and permissions in the database after they were renamed in the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.errors import PortalError
from portal.flow.registry import registry
from portal.models import Incident, Message, Process, Role, Task, User
from portal.models.pointer import class_name

from ..reports import counting

_PROCESSES = Process.__table__


@dataclass(frozen=True, slots=True)
class LostClass:
    """A process class that processes were made with, and that the code no longer has."""

    process_type: str
    label: str
    number: int

    def __str__(self) -> str:
        flow_class = registry.get(self.label)
        model = None if flow_class is None else flow_class.definition.process_class
        new = "…" if model is None or model is Process else class_name(model)
        many = "1 process" if self.number == 1 else f"{self.number} processes"
        return (
            f"{many} of {self.label}: the class {self.process_type} is gone: "
            f"portal flows rename-class {self.process_type} {new}"
        )


def lost_classes(session: Session) -> list[LostClass]:
    """The classes of processes that the code no longer has, by flow."""
    columns = Process.process_type, Process.flow_label
    query = select(*columns, func.count()).group_by(*columns).order_by(*columns)
    rows = session.execute(query.where(Process.process_type.not_in(list(_classes())))).all()
    session.rollback()
    return [LostClass(*row) for row in rows]


def rename(session: Session, old: str, new: str) -> int:
    """Move the processes of a renamed class or flow to the one with the new name.

    Args:
        old: the process class as it was, `module:Class` (`module.Class` is understood, too), or the label of the flow.
        new: what it is now.

    Returns:
        How many processes there were.

    Raises:
        PortalError: there is nothing of the old name, or the new one does not fit.
    """
    labels = set(session.scalars(select(Process.flow_label).distinct()))
    types = set(session.scalars(select(Process.process_type).distinct()))
    old = _written(old, types)
    if old in labels and old not in types:
        _rename_flow(session, old, new)
        column, value = _PROCESSES.c.flow_label, new
    elif old in types:
        column, value = _PROCESSES.c.process_type, _fit_class(session, old, new)
    else:
        there = ", ".join(sorted(types | labels)) or "none"
        raise PortalError(f"no process is of the class or flow {old!r}; there are: {there}")
    number: int = session.scalar(select(func.count()).select_from(_PROCESSES).where(column == old)) or 0
    session.execute(update(_PROCESSES).where(column == old).values({column: value}))
    session.commit()
    return number


def rename_permissions(session: Session, names: Mapping[str, str]) -> int:
    """Give people and roles that hold a permission by its old name the one with the new name.

    Args:
        names: the old names and the new ones. A permission for one object, `old:key`, goes with its name.

    Returns:
        How many people and roles held one.
    """
    holders = 0
    for holder in (*session.scalars(select(User)).unique(), *session.scalars(select(Role))):
        held = list(holder.permissions or ())
        fresh = list(dict.fromkeys(_renamed(each, names) for each in held))
        if fresh != held:
            holder.permissions = fresh
            holders += 1
    return holders


def _renamed(permission: str, names: Mapping[str, str]) -> str:
    name, colon, key = permission.partition(":")
    return names.get(name, name) + colon + key


def _classes() -> dict[str, Any]:
    known: dict[str, Any] = Process.__mapper__.polymorphic_map
    return known


def _written(name: str, known: set[str]) -> str:
    """A class as it is stored, also from its name with dots alone."""
    return next((each for each in known if name in (each, each.replace(":", "."))), name)


def _fit_class(session: Session, old: str, new: str) -> str:
    new = _written(new, set(_classes()))
    if new not in _classes():
        raise PortalError(
            f"the code has no process class {new!r}; there are: {', '.join(sorted(_classes()))}"
        )
    mapper = _classes()[new]
    for label in session.scalars(select(Process.flow_label).where(Process.process_type == old).distinct()):
        flow_class = registry.get(label)
        wanted = None if flow_class is None else flow_class.definition.process_class
        if wanted is not None and not issubclass(mapper.class_, wanted):
            raise PortalError(f"the flow {label} has processes of the class {class_name(wanted)}, not {new}")
    for table in mapper.tables:
        key = next(iter(table.primary_key.columns))
        lacking = select(func.count()).select_from(_PROCESSES)
        lacking = lacking.where(_PROCESSES.c.process_type == old, _PROCESSES.c.id.not_in(select(key)))
        if number := session.scalar(lacking):
            raise PortalError(f"{number} of these processes have no row in the table {table.name} of {new}")
    return new


def _rename_flow(session: Session, old: str, new: str) -> None:
    """The permissions of a flow go with it. Open tasks ask for the new ones."""
    if old in registry:
        raise PortalError(f"the flow {old!r} is in use: only one that the code no longer has can be renamed")
    if new not in registry:
        raise PortalError(f"there is no flow {new!r}; there are: {', '.join(sorted(registry)) or 'none'}")
    names = {
        f"{old}.{each.partition('.')[2]}": each
        for each in registry.permissions()
        if each.startswith(f"{new}.")
    }
    rename_permissions(session, names)
    session.execute(update(Message).where(Message.flow_label == old).values(flow_label=new))
    session.execute(update(Incident).where(Incident.flow_label == old).values(flow_label=new))
    counting.rename(session, old, new)  # lists that ask for versions go by these
    mine = select(Process.id).where(Process.flow_label == old)
    for before, after in names.items():
        asked = update(Task).where(Task.process_id.in_(mine), Task.owner_permission == before)
        session.execute(
            asked.values(owner_permission=after), execution_options={"synchronize_session": False}
        )
