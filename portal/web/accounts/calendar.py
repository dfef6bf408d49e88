"""A person's due tasks as a calendar (iCalendar, RFC 5545) at a secret address."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request, url_for
from sqlalchemy import delete, select
from werkzeug.wrappers import Response as BaseResponse

from portal import queries, summaries
from portal.engine import writes
from portal.engine.transaction import clock
from portal.language import gettext as _
from portal.models import CalendarFeed, Task, User, db, hash_of

from ..layout import me
from ..messages import flash
from ..rendering import render_template
from ..urls import see_other
from ..writing import writing
from .sign_in import require_login

if TYPE_CHECKING:
    from icalendar import Event

#: signed in, as the rest of a person's own pages
blueprint = Blueprint("calendar", __name__)
blueprint.before_request(require_login)
#: for programs of calendars, which know nothing but the address
feeds = Blueprint("feeds", __name__)

#: how long a due task takes in the calendar: programs hide what takes no time
_LENGTH = dt.timedelta(minutes=30)


@blueprint.route("/profile/calendar", methods=["GET", "POST"])
def settings() -> BaseResponse | str:
    """Make a new address, which ends the old one, or end it: `stop`. The address is shown once."""
    user_id, address = me().id, ""
    if request.method == "POST" and request.form.get("stop"):
        with writing() as session:
            session.execute(delete(CalendarFeed).where(CalendarFeed.user_id == user_id))
        flash(_("The address of your calendar no longer works."), "success")
        return see_other(url_for("portal.calendar.settings"))
    if request.method == "POST":
        token = secrets.token_urlsafe(32)
        values = {"token_hash": hash_of(token), "created": clock.get()()}
        with writing() as session:
            made = writes.insert(session, CalendarFeed).values(user_id=user_id, **values)
            session.execute(made.on_conflict_do_update(index_elements=["user_id"], set_=values))
        address = url_for("portal.feeds.feed", token=token, _external=True)
    there = db.session.scalar(select(CalendarFeed.created).where(CalendarFeed.user_id == user_id))
    return render_template("portal/calendar.html", address=address, made=there)


@feeds.get("/calendar/<token>.ics")
def feed(token: str) -> Response:
    """The due tasks of whoever has made this address; nobody is signed in."""
    query = select(User).join(CalendarFeed, CalendarFeed.user_id == User.id)
    user = db.session.scalars(query.where(CalendarFeed.token_hash == hash_of(token), User.is_active)).first()
    if user is None:
        abort(404, _("There is no such calendar."))
    answer = Response(_calendar(user), mimetype="text/calendar")
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _calendar(user: User) -> bytes:
    from icalendar import Calendar  # its tables of time zones are 3 MB, and few people have a feed

    calendar = Calendar()
    calendar.add("prodid", "-//Portal//Due tasks//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _("Due tasks"))
    host = urlsplit(request.host_url).hostname or "localhost"
    for task in queries.due_tasks(db.session(), user):
        calendar.add_component(_event(user, task, host))
    return bytes(calendar.to_ical())


def _event(user: User, task: Task, host: str) -> Event:
    from icalendar import Event  # as of the calendar

    event = Event()
    person = queries.whom_for(user, task)
    mark = "" if person is None else " " + _("(for %(name)s)", name=person.name)
    event.add("uid", f"task-{task.id}@{host}")
    event.add("summary", f"{task.title}: {summaries.of_process(task.process)}{mark}")
    event.add("dtstamp", task.assigned or task.created)
    event.add("dtstart", task.due)
    event.add("duration", _LENGTH)
    event.add("transp", "TRANSPARENT")
    event.add("url", url_for("portal.tasks.detail", task_id=task.id, _external=True))
    return event
