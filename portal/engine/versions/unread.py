"""Finds what a rename in the code has left behind: data that no field reads, permissions that no node names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import JSON, select, type_coerce
from sqlalchemy.orm import Session

from portal.flow.registry import registry
from portal.jsonstore import Field, fields_of
from portal.models import Process, Role, User

Path = tuple[str, ...]


@dataclass(slots=True)
class UnreadData:
    """A key in the data of running processes that no field of their class reads, while a field has no data there."""

    owner: type[Any]
    path: Path
    processes: set[int] = field(default_factory=set)
    #: the fields that could be its new name: they are nowhere stored beside it, and take what it holds
    candidates: dict[str, Field[Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        number = len(self.processes)
        many = f"{number} running process{'' if number == 1 else 'es'} of {self.owner.__name__}"
        key = repr(self.path if len(self.path) > 1 else self.path[0]).replace("'", '"')
        kinds = [
            f"`{name} = {type(each).__name__}(json_key={key})`" for name, each in self.candidates.items()
        ]
        return (
            f"{many} {'has' if number == 1 else 'have'} `{'.'.join(self.path)}` in the data, which no field reads; "
            f"if it has another name now: {' or '.join(kinds)}"
        )


@dataclass(frozen=True, slots=True)
class UnusedPermission:
    """A permission of a node that the flow no longer has, which people or roles hold."""

    name: str
    holders: tuple[str, ...]
    #: what asks for a permission that nobody holds: the node's name now, if there is one alone
    new_node: str | None

    def __str__(self) -> str:
        label, _, node = self.name.partition(".can_")
        them = ", ".join(self.holders[:5]) + (f" and {len(self.holders) - 5} more" * (len(self.holders) > 5))
        return (
            f"no node asks for the permission {self.name} any more, which {them} "
            f"{'holds' if len(self.holders) == 1 else 'hold'}; if `{node}` has another name now: "
            f"portal flows migrate {label} --map {node}={self.new_node or '…'}"
        )


def data(session: Session) -> list[UnreadData]:
    """The keys in the data of running processes whose field seems to have been renamed. Reads all of that data."""
    found: dict[tuple[type[Any], Path], UnreadData] = {}
    query = select(Process.id, Process.process_type, type_coerce(Process.data, JSON))
    rows = session.execute(query.where(Process.finished.is_(None)).execution_options(yield_per=100))
    classes = Process.__mapper__.polymorphic_map
    for process_id, process_type, document in rows:
        mapper = classes.get(process_type)
        if mapper is not None and isinstance(document, Mapping):
            for owner, path, value, absent in _unread(mapper.class_, document):
                _add(found, process_id, owner, path, value, absent)
    session.rollback()
    keys = sorted(found, key=lambda key: (key[0].__name__, key[1]))
    return [found[key] for key in keys if found[key].candidates]


def _add(
    found: dict[tuple[type[Any], Path], UnreadData],
    process_id: int,
    owner: type[Any],
    path: Path,
    value: Any,
    absent: dict[str, Field[Any]],
) -> None:
    known = found.get((owner, path))
    if known is None:
        known = found[owner, path] = UnreadData(owner, path, candidates=absent)
    known.processes.add(process_id)
    known.candidates = {
        name: each for name, each in known.candidates.items() if name in absent and _takes(each, value)
    }


def _takes(candidate: Field[Any], value: Any) -> bool:
    try:
        candidate.clean(candidate.from_json(value))
    except Exception:  # whatever an author's own field or validator says of data that is not its own
        return False
    return True


def _unread(
    owner: type[Any], document: Mapping[str, Any]
) -> Iterator[tuple[type[Any], Path, Any, dict[str, Field[Any]]]]:
    """What no field of a class reads in a document, also in the ones in it, and the fields that have nothing there."""
    fields = fields_of(owner)
    by_path = {each.path: each for each in fields.values()}
    stored: set[Path] = set()
    unread: list[tuple[Path, Any]] = []

    def walk(part: Mapping[str, Any], above: Path) -> None:
        for key, value in part.items():
            path = (*above, key)
            if path in by_path:
                stored.add(path)
            elif isinstance(value, Mapping) and any(each[: len(path)] == path for each in by_path):
                walk(value, path)
            elif not key.startswith("_"):
                unread.append((path, value))

    walk(document, ())
    absent = {name: each for name, each in fields.items() if each.path not in stored}
    for path, value in unread:
        yield owner, path, value, absent
    for path in stored:
        schema = getattr(by_path[path], "schema", None)
        inner = _at(document, path) if isinstance(schema, type) else None
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(schema, type) and isinstance(each, Mapping):
                yield from _unread(schema, each)


def _at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def permissions(session: Session) -> list[UnusedPermission]:
    """The permissions of nodes, `<label>.can_<node>`, that people or roles hold and nothing asks for."""
    known = registry.permissions()
    holders: dict[str, list[str]] = {}
    for name, permissions in session.execute(select(User.username, User.permissions).order_by(User.username)):
        for held in _names(permissions):
            holders.setdefault(held, []).append(name)
    for name, permissions in session.execute(select(Role.name, Role.permissions).order_by(Role.name)):
        for held in _names(permissions):
            holders.setdefault(held, []).append(f"the role {name}")
    session.rollback()
    unused = {
        name: who
        for name, who in sorted(holders.items())
        if name not in known and ".can_" in name and name.partition(".can_")[0] in registry
    }
    labels = Counter(name.partition(".can_")[0] for name in unused)
    return [
        UnusedPermission(name, tuple(who), _new_node(name, holders) if labels[_label(name)] == 1 else None)
        for name, who in unused.items()
    ]


def _label(permission: str) -> str:
    return permission.partition(".can_")[0]


def _names(permissions: Any) -> set[str]:
    """Without the object that one is for."""
    return {each.partition(":")[0] for each in permissions or ()}


def _new_node(permission: str, holders: Mapping[str, Any]) -> str | None:
    nodes = registry[_label(permission)].definition.nodes
    fresh = [
        name
        for name, node in nodes.items()
        if node.permission == f"{_label(permission)}.can_{name}" and node.permission not in holders
    ]
    return fresh[0] if len(fresh) == 1 else None
