"""Saved views: the filters of a list under a name, for oneself or for everyone with a role."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, abort, request, url_for
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.language import gettext as _
from portal.models import Role, SavedView, User, db

from .accounts.person import is_signed_in
from .accounts.sign_in import require_login
from .filtering import read_filters
from .layout import me, preferences
from .messages import flash
from .urls import see_other, to_id, way_back
from .writing import writing

blueprint = Blueprint("saved_views", __name__)
blueprint.before_request(require_login)

#: where the lists are
PAGES = {
    "inbox": "portal.lists.inbox", "queue": "portal.lists.queue", "archive": "portal.lists.archive",
    "tasks": "portal.lists.tasks", "processes": "portal.processes.index", "mine": "portal.processes.index",
}  # fmt: skip
#: views of one person; the key under which the one is kept with which they begin
_MOST, START = 50, "start_view"


@blueprint.post("/views")
def save() -> BaseResponse:
    page, name = (
        request.form.get("page", ""),
        " ".join(request.form.get("name", "").replace("\0", "").split()),
    )
    if page not in PAGES:
        abort(404, _("There is no such list."))
    back = way_back(url_for(PAGES[page]))
    query = urlencode(read_filters(MultiDict(parse_qsl(request.form.get("query", "")[:4000]))).pairs())
    fault = _fault(name, query)
    role = _role(request.form.get("role", ""))
    if fault:
        flash(fault, "warning")
        return see_other(back)
    user_id = me().id
    with writing():
        view = SavedView(name=name, page=page, query=query, owner_id=user_id, role_id=role)
        db.session.add(view)
        db.session.flush()
        view_id = view.id
        if request.form.get("start") == "1":
            _begin_with(user_id, view_id)
    flash(_("View “%(name)s” saved.", name=name), "success")
    return see_other(address_of(page, view_id))


@blueprint.post("/views/<int:view_id>/<any(start,remove):action>")
def change(view_id: int, action: str) -> BaseResponse:
    view = queries.saved_view(db.session(), me(), to_id(view_id))
    if view is None:
        abort(404, _("There is no such view."))
    page, user_id = view.page, me().id
    if action == "start":
        chosen = None if preferences().get(START) == view_id else view_id
        with writing():
            _begin_with(user_id, chosen)
        return see_other(address_of(page, view_id))
    if view.owner_id != user_id:
        abort(403, _("Only the person who saved a view may remove it."))
    with writing():
        db.session.delete(db.session.get_one(SavedView, view_id))
    flash(_("The view was removed."), "success")
    return see_other(address_of(page))


def address_of(page: str, view_id: int | None = None) -> str:
    """The list of this name, with a saved view."""
    values: dict[str, Any] = {"mine": 1} if page == "mine" else {}
    return url_for(PAGES[page], **values, view=view_id)


def start_address() -> str:
    """The list with the view with which the person begins; empty where there is none."""
    chosen = preferences().get(START) if is_signed_in() else None
    view = queries.saved_view(db.session(), me(), chosen) if isinstance(chosen, int) else None
    return "" if view is None else address_of(view.page, view.id)


def _begin_with(user_id: int, view_id: int | None) -> None:
    user = db.session.get_one(User, user_id)
    kept: dict[str, Any] = {key: value for key, value in (user.preferences or {}).items() if key != START}
    user.preferences = kept if view_id is None else {**kept, START: view_id}


def _role(name: str) -> int | None:
    """The id of a role of the person's, with whose people a view is shared."""
    if not name:
        return None
    found = next((role.id for role in me().roles if role.name == name), None)
    if found is None and me().is_superuser:
        found = db.session.scalar(select(Role.id).where(Role.name == name.replace("\0", "")))
    if found is None:
        abort(403, _("A view is shared with a role of one's own."))
    return found


def _fault(name: str, query: str) -> str | None:
    if not name or len(name) > 80:
        return _("Give the view a name of at most 80 characters.")
    if not query or len(query) > 1000:
        return _("Filter or sort the list before you save a view of it.")
    count = select(SavedView.id).where(SavedView.owner_id == me().id).limit(_MOST)
    if len(db.session.scalars(count).all()) >= _MOST:
        return _("You have %(number)s saved views. Remove one first.", number=_MOST)
    return None
