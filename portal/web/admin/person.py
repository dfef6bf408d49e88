"""One person: what is known of them, what they may do and why; added and changed."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, request, url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import (
    access,
    arrivals,
    directory,
    invitations,
    leaving,
    password_links,
    people,
    rights,
    roles,
    second_factors,
)
from portal.engine import substitution
from portal.engine.transaction import wake
from portal.errors import PermissionDenied, PortalError
from portal.language import gettext as _
from portal.models import AuditRow, Task, User, db, find_user

from ..accounts.passwords import sends_mail
from ..accounts.sessions import listed as sessions_of
from ..csv_files import as_csv, note_export
from ..layout import me, now
from ..messages import flash
from ..mount import mount
from ..rendering import render_template
from ..urls import see_other
from .access import blueprint, changing, person_or_404
from .person_form import PersonForm, digest

#: so many sign-ins, and changes of rights, stand on the page of a person
_SHOWN = 5
#: people whom a form offers as managers
_OFFERED = 200


@blueprint.get("/people/<username>")
def person(username: str) -> str | Response:
    found = person_or_404(username)
    if request.args.get("format") == "csv":
        name = found.username
        note_export("rights", person=found.id)
        rows = rights.rights_of(person_or_404(name))
        lines = [
            (each.permission.flow, each.permission.words, each.permission.name, reason.words)
            for each in rows
            for reason in each.reasons
        ]
        return as_csv(f"rights-{found.id}", (_("Flow"), _("May"), _("Permission"), _("Because of")), lines)
    asked = request.args.get("permission", "")
    everything = [each.role for each in roles.listed(db.session())]
    return render_template(
        "portal/admin/person.html",
        person=found,
        rights=rights.rights_of(found),
        catalogue=rights.catalogue(),
        asked=asked,
        answer=rights.check(found, asked, everything) if asked else None,
        work=leaving.work_of(db.session(), found),
        late=_late(found),
        sign_ins=_audit(found, ("sign-in", "sign-in.failed")),
        changes=_audit(found, ("person.roles",), 20),
        sessions=sessions_of(found),
        absences=substitution.planned(db.session(), found),
        hindrance=hindrance(found),
        sources=arrivals.sources_of(db.session(), found.id),
        factor=second_factors.of(db.session(), found.id),
        uninvited=mount().own_accounts and invitations.is_open(db.session(), found) and bool(found.email),
        reachable=me().is_superuser or not found.is_superuser,
    )


def hindrance(person: User) -> str:
    """Why somebody cannot be deactivated; empty where they can."""
    if person.is_active and access.administers(person) and access.is_last(db.session(), person):
        return leaving.why_last(person)
    return ""


def _late(person: User) -> int:
    query = select(func.count()).where(
        Task.owner_id == person.id, Task.status == "ASSIGNED", Task.finished.is_(None), Task.due < now()
    )
    return db.session.scalar(query) or 0


def _audit(person: User, actions: tuple[str, ...], limit: int = _SHOWN) -> list[Any]:
    """The newest rows of the audit that are about a person, each with who did it."""
    query = (
        select(AuditRow, User)
        .outerjoin(User, User.id == AuditRow.user_id)
        .where(
            AuditRow.subject == "person", AuditRow.subject_id == str(person.id), AuditRow.action.in_(actions)
        )
    )
    return [tuple(row) for row in db.session.execute(query.order_by(AuditRow.id.desc()).limit(limit))]


@blueprint.route("/add-person", methods=["GET", "POST"])
def add_person() -> BaseResponse | str | tuple[str, int]:
    form = _form(None)
    if request.method != "POST":
        return _page(form)
    invites = "invite" in form and bool(form.invite.data)
    if form.validate() and _can_invite(form, invites):
        try:
            with changing() as (session, by):
                made = people.add(session, form.username.data or "", form.given, by)
                if invites:
                    invitations.invite(session, made, by)
        except people.Unfit as unfit:
            form.tell(unfit.faults)
        except PortalError as refusal:
            form.form_errors.append(str(refusal))
        else:
            if invites:
                wake()
                flash(_("%(name)s is added, and an invitation is on its way.", name=made.name), "success")
            else:
                _tell_link(made, _("%(name)s is added.", name=made.name))
            return see_other(url_for("portal.admin.person", username=made.username))
    return _page(form), 422


def _can_invite(form: PersonForm, invites: bool) -> bool:
    if invites and not (form.email.data or "").strip():
        form.email.errors = [_("An invitation needs an email address.")]
        return False
    return True


@blueprint.post("/people/<username>/invite")
def invite(username: str) -> BaseResponse:
    """Send an invitation, once more perhaps, to who has not chosen a password yet."""
    found = person_or_404(username)
    if not mount().own_accounts:
        abort(404)
    try:
        with changing(found) as (session, by, person):
            invitations.invite(session, person, by)
    except PermissionDenied:
        raise
    except PortalError as refusal:
        flash(str(refusal), "warning")
    else:
        wake()
        flash(_("An invitation is on its way."), "success")
    return see_other(url_for("portal.admin.person", username=username))


@blueprint.post("/people/<username>/second-factor")
def reset_factor(username: str) -> BaseResponse:
    """Let who has lost their phone sign in with the password alone, to set up another one."""
    with changing(person_or_404(username)) as (session, by, person):
        done = second_factors.remove(session, person, by)
    if done:
        wake()
        flash(_("%(name)s signs in without a second factor now.", name=person.name), "success")
    else:
        flash(_("%(name)s has no second factor.", name=person.name), "warning")
    return see_other(url_for("portal.admin.person", username=username))


@blueprint.route("/people/<username>/edit", methods=["GET", "POST"])
def edit_person(username: str) -> BaseResponse | str | tuple[str, int]:
    found = person_or_404(username)
    access.demand_reach(me(), found)
    form = _form(found)
    if request.method != "POST":
        return _page(form)
    if form.validate() and _is_fresh(form, found):
        try:
            with changing(found) as (session, by, person):
                changed = people.change(session, person, form.given, by)
        except people.Unfit as unfit:
            form.tell(unfit.faults)
        except PortalError as refusal:
            form.form_errors.append(str(refusal))
        else:
            flash(_("Saved.") if changed else _("Nothing was changed."), "success")
            return see_other(url_for("portal.admin.person", username=username))
    return _page(form), 422


def _is_fresh(form: PersonForm, person: User) -> bool:
    """Whether what the form began with is still so."""
    if form.seen.data in ("", None, digest(people.values_of(person))):
        return True
    form.form_errors.append(
        _("Somebody else has changed this person meanwhile. Look at what is here and save again.")
    )
    form.seen.data = form.seen.raw_data = None
    form.seen.process(None, digest(people.values_of(person)))
    return False


def _form(person: User | None) -> PersonForm:
    everything = [each.role for each in roles.listed(db.session())]
    form = PersonForm(everything, person, posted=request.method == "POST")
    if not me().is_superuser:
        del form.is_superuser
    if person is None and not (mount().own_accounts and sends_mail()):
        del form.invite
    return form


def _page(form: PersonForm) -> str:
    query = select(User).where(User.is_active).order_by(User.name_key, User.id).limit(_OFFERED)
    return render_template(
        "portal/admin/person_form.html",
        form=form,
        person=form.person,
        people=list(db.session.scalars(query)),
        departments=directory.departments(db.session()),
    )


@blueprint.post("/people/<username>/password")
def reset_password(username: str) -> BaseResponse:
    """End a person's sessions and make their password useless; a link lets them choose another one."""
    with changing(person_or_404(username)) as (session, by, found):
        people.end_sessions(session, found, by)
    _tell_link(found, _("%(name)s is signed out everywhere.", name=found.name))
    return see_other(url_for("portal.admin.person", username=found.username))


def _tell_link(person: User, words: str) -> None:
    """Say it with the link by which the person chooses a password, where they sign in here."""
    if not mount().own_accounts:
        flash(words, "success")
        return
    address = url_for("portal.passwords.choose", token=password_links.token_for(person), _external=True)
    link = _("By this link, good for three days, they choose a password. Send it to nobody else:")
    flash({"text": f"{words} {link}", "to": address, "name": address}, "success")


def named_or_none(name: str) -> User | None:
    """An active person of this name."""
    found = find_user(db.session(), name.replace("\0", "").strip()) if name.strip() else None
    return found if found is not None and found.is_active else None
