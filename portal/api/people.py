"""People and roles, for superusers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response as BaseResponse

from portal.errors import PermissionDenied
from portal.models import Role, User
from portal.web.layout import me

from . import representations
from .bodies import PageQuery, PeopleQuery
from .lists import cursor, keyed
from .resource import Blueprint, needs, page
from .schemas import PersonDetailSchema, RoleSchema, page_of

blueprint = Blueprint("people", __name__)
PEOPLE, ROLES = page_of(PersonDetailSchema), page_of(RoleSchema)


@blueprint.route("/people", tags=["People"])
@needs("admin")
@blueprint.arguments(PeopleQuery, location="query")
@blueprint.response(200, PEOPLE)
def people(query: dict[str, Any]) -> BaseResponse:
    """Everybody, in the order in which they came."""
    _demand_superuser()
    wanted = select(User).where(User.id > cursor(query["after"])).options(selectinload(User.roles))
    text = query["q"].replace("\0", "").strip().lower()
    if text:
        names = func.lower(User.username), func.lower(User.full_name)
        wanted = wanted.where(or_(*(name.startswith(text, autoescape=True) for name in names)))
    found, after = keyed(wanted, User.id, query["limit"])
    return page(PEOPLE(), [_person(user) for user in found], after)


@blueprint.route("/roles", tags=["People"])
@needs("admin")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ROLES)
def roles(query: dict[str, Any]) -> BaseResponse:
    """The roles with their permissions."""
    _demand_superuser()
    wanted = select(Role).where(Role.id > cursor(query["after"]))
    found, after = keyed(wanted, Role.id, query["limit"])
    return page(
        ROLES(), [{"name": role.name, "permissions": list(role.permissions or ())} for role in found], after
    )


def _demand_superuser() -> None:
    if not me().is_superuser:
        raise PermissionDenied("Only a superuser may look at people and roles.")


def _person(user: User) -> dict[str, Any]:
    return {
        **(representations.person(user) or {}),
        "email": user.email,
        "active": user.is_active,
        "superuser": user.is_superuser,
        "roles": [role.name for role in user.roles],
        "permissions": list(user.permissions or ()),
    }
