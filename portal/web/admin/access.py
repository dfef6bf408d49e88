"""The blueprint of all pages of administrators: who may, and whom an address names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, abort
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import access, people, roles
from portal.errors import PermissionDenied
from portal.language import gettext as _
from portal.models import Role, User, db

from ..accounts.sign_in import require_login
from ..layout import me
from ..writing import writing

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@blueprint.before_request
def _demand_administrator() -> BaseResponse | None:
    answer = require_login()
    if answer is None and not access.administers(me()):
        raise PermissionDenied(_("Only people with the permission “admin” may see this."))
    return answer


@contextmanager
def changing(*rows: Any) -> Iterator[Any]:
    """A transaction that writes: its session, who acts, and each of these rows as it is there."""
    by_id, keys = me().id, [(type(row), row.id) for row in rows]
    with writing() as session:
        by = session.get_one(User, by_id)
        yield session, by, *(session.get_one(model, key) for model, key in keys)


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
