"""Roles: their list, their pages, and the matrix of roles and permissions."""

from __future__ import annotations

from flask import request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import rights, roles
from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import Role, db, find_user

from ..messages import flash
from ..rendering import render_template
from ..urls import see_other
from .access import blueprint, changing, role_or_404

#: members that the page of a role shows
_MEMBERS = 200


@blueprint.get("/roles")
def role_list() -> str:
    known = {each.name: each for each in rights.catalogue()}
    return render_template(
        "portal/admin/roles.html",
        roles=roles.listed(db.session()),
        in_words=lambda name: rights.in_words(name, known),
    )


@blueprint.route("/add-role", methods=["GET", "POST"])
def add_role() -> BaseResponse | str | tuple[str, int]:
    if request.method != "POST":
        return _page(None)
    try:
        with changing() as (session, by):
            made = roles.add(session, request.form.get("name", ""), request.form.getlist("permission"), by)
    except PortalError as refusal:
        return _page(None, str(refusal)), 422
    flash(_("The role %(name)s is there.", name=made.name), "success")
    return see_other(url_for("portal.admin.role", name=made.name))


@blueprint.route("/roles/<name>", methods=["GET", "POST"])
def role(name: str) -> BaseResponse | str | tuple[str, int]:
    found = role_or_404(name)
    if request.method != "POST":
        return _page(found)
    try:
        with changing(found) as (session, by, found):
            changed = roles.change(
                session,
                found,
                by,
                name=request.form.get("name", found.name),
                permissions=request.form.getlist("permission"),
            )
    except PortalError as refusal:
        return _page(role_or_404(name), str(refusal)), 422
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return see_other(url_for("portal.admin.role", name=found.name))


def _page(found: Role | None, fault: str = "") -> str:
    posted = request.method == "POST"
    held = request.form.getlist("permission") if posted else list(found.permissions) if found else []
    known = {each.name: each for each in rights.catalogue()}
    gone = [
        rights.in_words(name, known) for name in (found.permissions if found else ()) if name not in known
    ]
    return render_template(
        "portal/admin/role.html",
        role=found,
        name=request.form.get("name", "") if posted else found.name if found else "",
        held=set(held),
        catalogue=[*known.values(), *gone],
        members=roles.members(db.session(), found, _MEMBERS + 1) if found else [],
        most=_MEMBERS,
        fault=fault,
    )


@blueprint.post("/roles/<name>/members")
def role_members(name: str) -> BaseResponse:
    """Give a role to one person (`add`), or take it from them (`remove`)."""
    found = role_or_404(name)
    back = url_for("portal.admin.role", name=name)
    added = "add" in request.form
    username = request.form.get("add" if added else "remove", "").replace("\0", "").strip()
    person = find_user(db.session(), username) if username else None
    if person is None or person.erased is not None:
        flash(_("There is no user “%(name)s”.", name=username[:50]), "warning")
        return see_other(back)
    try:
        with changing(found, person) as (session, by, found, person):
            roles.set_members(session, found, [person], by, added=added)
    except PortalError as refusal:
        flash(str(refusal), "warning")
        return see_other(back)
    words = (
        _("%(person)s has the role %(role)s.") if added else _("%(person)s no longer has the role %(role)s.")
    )
    flash(words % {"person": person.name, "role": found.name}, "success")
    return see_other(back)


@blueprint.route("/roles/<name>/delete", methods=["GET", "POST"])
def delete_role(name: str) -> BaseResponse | str | tuple[str, int]:
    found = role_or_404(name)
    fault = ""
    if request.method == "POST":
        try:
            with changing(found) as (session, by, role):
                roles.remove(session, role, by)
        except PortalError as refusal:
            fault, found = str(refusal), role_or_404(name)
        else:
            flash(_("The role %(name)s is deleted.", name=name), "success")
            return see_other(url_for("portal.admin.role_list"))
    members = roles.members(db.session(), found, _MEMBERS + 1)
    page = render_template(
        "portal/admin/delete_role.html", role=found, members=members, most=_MEMBERS, fault=fault
    )
    return (page, 422) if fault else page


@blueprint.route("/matrix", methods=["GET", "POST"])
def matrix() -> BaseResponse | str | tuple[str, int]:
    """Which role has which permission, by flow; the ticks are saved together."""
    everything = [each.role for each in roles.listed(db.session())]
    catalogue = rights.catalogue()
    if request.method == "POST":
        named = {each.name for each in catalogue}
        shown = [role.id for role in everything if f"shown-{role.id}" in request.form]
        try:
            with changing() as (session, by):
                for role_id in shown:
                    role = session.get_one(Role, role_id)
                    kept = [each for each in role.permissions if each not in named]
                    ticked = request.form.getlist(f"role-{role_id}")
                    roles.change(session, role, by, permissions=[*kept, *ticked])
        except PortalError as refusal:
            flash(str(refusal), "warning")
        else:
            flash(_("Saved."), "success")
        return see_other(url_for("portal.admin.matrix"))
    return render_template("portal/admin/matrix.html", roles=everything, catalogue=catalogue)
