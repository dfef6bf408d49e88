"""Pages that deactivate, reactivate and erase people."""

from __future__ import annotations

from typing import Literal

from flask import request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import access, erasing, leaving
from portal.errors import PortalError
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import User, db

from ..layout import me
from ..messages import flash
from ..reasons import reason_of_request
from ..rendering import render_template
from ..selection import SECONDS
from ..urls import see_other
from .access import blueprint, changing, person_or_404
from .person import hindrance, named_or_none

#: people whom the form offers
_OFFERED = 200


@blueprint.route("/people/<username>/deactivate", methods=["GET", "POST"])
def deactivate(username: str) -> BaseResponse | str | tuple[str, int]:
    person = person_or_404(username)
    access.demand_reach(me(), person)
    work, why = leaving.work_of(db.session(), person), hindrance(person)
    if request.method != "POST":
        return _ask(person, work, why)
    reason, fault = reason_of_request()
    tasks, requests = request.form.get("tasks", ""), request.form.get("requests", "")
    fault = why or fault or _unsaid(work, tasks, requests)
    heir, requester = (named_or_none(request.form.get(name, "")) for name in ("tasks_to", "requests_to"))
    if not fault and "person" in (tasks if work.tasks else "", requests if work.requests else ""):
        fault = _unfit(
            person, heir if tasks == "person" else requester, requester if requests == "person" else heir
        )
    if fault:
        return _ask(person, work, fault), 422
    to: int | Literal["leave"] | None = None if tasks == "queue" else "leave"
    if tasks == "person" and heir is not None:
        to = heir.id
    after: int | Literal["leave"] = (
        requester.id if requests == "person" and requester is not None else "leave"
    )
    person_id, by_id, name = person.id, me().id, person.name
    leaving.deactivate(db.session(), person_id, by_id)
    reason = reason or _("%(name)s has left", name=name)
    given = leaving.give(
        db.session(), person_id, by_id, tasks=to, requests=after, reason=reason[:2000], seconds=SECONDS
    )
    _tell(name, given)
    return see_other(url_for("portal.admin.person", username=username))


def _unsaid(work: leaving.Work, tasks: str, requests: str) -> str:
    if work.tasks and tasks not in ("queue", "person", "leave"):
        return _("Say what becomes of the open tasks.")
    if work.requests and requests not in ("person", "leave"):
        return _("Say what becomes of the requests in progress.")
    return ""


def _unfit(person: User, *heirs: User | None) -> str:
    for heir in heirs:
        if heir is None:
            return _("Choose a person who is active.")
        if heir.id == person.id:
            return _("Choose somebody else than %(name)s.", name=person.name)
    return ""


def _tell(name: str, given: leaving.Given) -> None:
    words = _("%(name)s is deactivated.", name=name)
    if given.tasks:
        words += " " + ngettext(
            "%(number)s task given to others.", "%(number)s tasks given to others.", given.tasks
        )
    if given.requests:
        words += " " + ngettext("%(number)s request given to others.", "%(number)s requests given to others.",
                                given.requests)  # fmt: skip
    flash(words, "success")
    if given.refused:
        text = ngettext("%(number)s was refused.", "%(number)s were refused.", len(given.refused))
        lines = [line[:120] for line in given.refused[:12]]
        flash({"text": text, "lines": lines}, "warning")
    if given.left:
        flash(_("There is more than is done at once. Do it again for the rest."), "warning")


def _ask(person: User, work: leaving.Work, fault: str = "") -> str:
    query = select(User).where(User.is_active, User.id != person.id).order_by(User.name_key, User.id)
    return render_template(
        "portal/admin/deactivate.html",
        person=person,
        work=work,
        fault=fault if request.method == "POST" else "",
        hindrance=hindrance(person),
        people=list(db.session.scalars(query.limit(_OFFERED))),
    )


@blueprint.post("/people/<username>/reactivate")
def reactivate(username: str) -> BaseResponse:
    with changing(person_or_404(username)) as (session, by, person):
        leaving.reactivate(session, person, by)
    flash(_("%(name)s can sign in again.", name=person.name), "success")
    return see_other(url_for("portal.admin.person", username=username))


@blueprint.route("/people/<username>/erase", methods=["GET", "POST"])
def erase(username: str) -> BaseResponse | str | tuple[str, int]:
    person = person_or_404(username)
    access.demand_reach(me(), person)
    fault = ""
    if person.is_active:
        fault = _("Deactivate %(name)s first.", name=person.name)
    if request.method == "POST" and not fault:
        if request.form.get("username", "").strip() != person.username:
            fault = _("Type the user name to confirm.")
        else:
            try:
                erasing.erase(db.session(), person.id, me().id, SECONDS)
            except PortalError as refusal:
                fault = str(refusal)
            else:
                flash(_("The person is erased."), "success")
                return see_other(url_for("portal.admin.people"))
    page = render_template(
        "portal/admin/erase.html", person=person, fault=fault, work=leaving.work_of(db.session(), person)
    )
    return (page, 422) if request.method == "POST" else page
