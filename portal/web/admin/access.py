"""The blueprint of all pages of administrators: who may, and whom an address names."""

from __future__ import annotations

from flask import Blueprint, abort
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import access, people, roles
from portal.errors import PermissionDenied
from portal.language import gettext as _
from portal.models import Role, User, db

from ..accounts.sign_in import require_login
from ..layout import me

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@blueprint.before_request
def _demand_administrator() -> BaseResponse | None:
    answer = require_login()
    if answer is None and not access.administers(me()):
        raise PermissionDenied(_("Only people with the permission “admin” may see this."))
    return answer


def person_or_404(username: str) -> User:
    found = people.one(db.session(), username)
    if found is None:
        abort(404, _("There is no such person."))
    return found


def role_or_404(name: str) -> Role:
    found = roles.named(db.session(), name)
    if found is None:
        abort(404, _("There is no such role."))
    return found
