"""Whose flows a page of administration shows: a manager's own, an administrator's all."""

from __future__ import annotations

from portal.errors import PermissionDenied
from portal.flow import registry
from portal.language import gettext as _
from portal.models import User

from ..layout import me

#: the permission of an administrator
ADMIN = "admin"


def labels_of(user: User) -> list[str] | None:
    """The labels of the flows that a person manages; None for all of them, also those that the code no longer has."""
    if user.can(ADMIN):
        return None
    return sorted(label for label in registry if user.manages(label))


def shown_to(user: User) -> bool:
    """Whether there is anything here for a person."""
    return labels_of(user) != []


def labels_or_refuse() -> list[str] | None:
    """The same for who asks now.

    Raises:
        PermissionDenied: they manage no flow.
    """
    labels = labels_of(me())
    if labels == []:
        raise PermissionDenied(_("Only people who manage a flow, or the portal, see this."))
    return labels


def demand_flow(label: str) -> None:
    """Refuse a flow that is not one of theirs.

    Raises:
        PermissionDenied
    """
    labels = labels_or_refuse()
    if labels is not None and label not in labels:
        raise PermissionDenied(_("Only a manager of the flow sees this."))


def titles(labels: list[str] | None) -> list[tuple[str, str]]:
    """The flows to choose from, with their titles."""
    flows = [
        (label, flow.definition.title)
        for label, flow in registry.items()
        if labels is None or label in labels
    ]
    return sorted(flows, key=lambda each: each[1].casefold())
