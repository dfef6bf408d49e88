"""What a person may do and why, in words: by a role, by a permission of their own, or by a rule of a flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portal.engine import absences
from portal.flow.registry import ADMIN, registry
from portal.language import gettext as _
from portal.models import User


@dataclass(frozen=True)
class Permission:
    """A permission in words.

    Attributes:
        name: as roles hold it.
        label: of its flow; empty where it is of none.
        flow: the title of its flow.
        words: what it allows.
    """

    name: str
    label: str
    flow: str
    words: str


@dataclass(frozen=True)
class Reason:
    """Why somebody may do something.

    Attributes:
        words: such as `Role Finance`.
        role: its name, where it is a role.
    """

    words: str
    role: str = ""


@dataclass(frozen=True)
class Right:
    """Something that a person may do, and all the reasons for it."""

    permission: Permission
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Answer:
    """Whether a person may do one thing."""

    yes: bool
    permission: Permission
    reasons: tuple[Reason, ...]
    #: the names of the roles that would give it to them
    roles: tuple[str, ...] = ()


def catalogue() -> list[Permission]:
    """Every permission that there is, by flow, and within it in the order of the flow."""
    found = []
    for flow_class in sorted(registry.values(), key=lambda flow: flow.definition.title.lower()):
        definition = flow_class.definition
        label, title = definition.label, definition.title
        named: dict[str, list[Any]] = {}
        for node in definition.nodes.values():
            if node.permission is not None:
                named.setdefault(node.permission, []).append(node)
        found += [Permission(name, label, title, _of_nodes(nodes)) for name, nodes in named.items()]
        found.append(Permission(f"{label}.view", label, title, _("See every process")))
        found.append(Permission(f"{label}.manage", label, title, _("Manage every process")))
    found.append(
        Permission(ADMIN, "", _("Administration"), _("Administer people, roles, audit and retention"))
    )
    return found


def _of_nodes(nodes: list[Any]) -> str:
    starts = [node.title for node in nodes if node.starts]
    others = [node.title for node in nodes if not node.starts]
    words = [_("Start: %(step)s", step=_listed(starts))] if starts else []
    words += [_("Work on: %(step)s", step=_listed(others))] if others else []
    return "; ".join(words)


def _listed(titles: list[str]) -> str:
    titles = list(dict.fromkeys(map(str, titles)))
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} {_('and')} {titles[-1]}"


def _deed(node: Any) -> str:
    return _of_nodes([node])


def in_words(name: str, known: dict[str, Permission]) -> Permission:
    """A permission in words, also one for a single object and one that no flow declares any more."""
    base, _colon, obj = name.rpartition(":")
    if name in known:
        return known[name]
    if base in known:
        of = known[base]
        return Permission(
            name, of.label, of.flow, _("%(what)s, for %(object)s alone", what=of.words, object=obj)
        )
    return Permission(name, "", _("No flow"), _("%(name)s (no flow declares it any more)", name=name))


def rights_of(person: User) -> list[Right]:
    """All that a person may do. Their roles, and those whom they stand in for, are read with them."""
    found = []
    held = _held(person)
    known = {each.name: each for each in catalogue()}
    for permission in known.values():
        reasons = _reasons(person, permission.name, held)
        if reasons:
            found.append(Right(permission, tuple(reasons)))
    found += [
        Right(in_words(name, known), tuple(reasons)) for name, reasons in held.items() if name not in known
    ]
    found += _by_rules()
    found.sort(key=lambda right: (not right.permission.label, right.permission.flow.lower()))
    everybody = (Reason(_("Everyone")),)
    own = Permission("", "", _("All flows"), _("See processes that they started or worked on"))
    return [*found, Right(own, everybody)]


def check(person: User, name: str, roles: list[Any]) -> Answer | None:
    """Whether a person holds one permission. None if there is none of that name.

    Args:
        roles: all roles, to say which of them would give it.
    """
    known = {each.name: each for each in catalogue()}
    if name not in known:
        return None
    reasons = tuple(_reasons(person, name, _held(person)))
    giving = tuple(role.name for role in roles if name in role.permissions)
    return Answer(person.is_active and bool(reasons), known[name], reasons, giving)


def _held(person: User) -> dict[str, list[Reason]]:
    """Each permission that a person holds by name, and through what."""
    found: dict[str, list[Reason]] = {}
    for role in sorted(person.roles, key=lambda role: role.name.lower()):
        for name in role.permissions:
            found.setdefault(name, []).append(Reason(_("Role %(name)s", name=role.name), role.name))
    for name in person.permissions or ():
        found.setdefault(name, []).append(Reason(_("Given by name")))
    for absence in absences.standing_in(person):
        until = absence.ends.date().isoformat()
        for name in absence.user.all_permissions:
            label = name.partition(".")[0]
            if absence.covers(label) and name.partition(".")[2] not in ("view", "manage") and name != ADMIN:
                words = _("Stands in for %(name)s until %(day)s", name=absence.user.name, day=until)
                found.setdefault(name, []).append(Reason(words))
    return found


def _reasons(person: User, name: str, held: dict[str, list[Reason]]) -> list[Reason]:
    reasons = [Reason(_("Superuser"))] if person.is_superuser else []
    reasons += held.get(name, ())
    label, _dot, verb = name.partition(".")
    if verb == "view" and not held.get(name) and held.get(f"{label}.manage"):
        reasons += [
            Reason(_("%(reason)s, which manages", reason=r.words), r.role) for r in held[f"{label}.manage"]
        ]
    return reasons


def _by_rules() -> Iterator[Right]:
    """The rights that a flow gives without a permission."""
    for label, flow_class in registry.items():
        title = flow_class.definition.title
        for node in flow_class.definition.nodes.values():
            if not node.human or node.permission is not None:
                continue
            rule = (
                _("Everyone; the flow may ask for more") if node.starts else _("Whoever may see the process")
            )
            yield Right(Permission("", label, title, _deed(node)), (Reason(rule),))
