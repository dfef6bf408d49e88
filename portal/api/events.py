"""The history as a feed: pages of events after a cursor, or a stream of server-sent events.

Events are numbered when they are written, and seen when their action is committed: a later number may be seen first. A
place therefore has the numbers that were lacking before it, too, and the next read looks for them.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import Response, current_app, request, stream_with_context, url_for
from flask import json as flask_json
from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager, joinedload
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import criteria
from portal.engine.transaction import clock
from portal.models import Event, Process, Task, User, db
from portal.web.csv_files import note_export
from portal.web.layout import me
from portal.web.problems import Invalid

from . import mining, representations
from .bodies import EventQuery, LogQuery
from .resource import Blueprint, needs, reply
from .schemas import EventSchema, OcelSchema, page_of

blueprint = Blueprint("events", __name__)
EVENTS = page_of(EventSchema)

LINK = {"Link": {"schema": {"type": "string"}, "description": "The next page, `rel=next`: now, or later."}}
#: an action that takes longer is ended by the database; its numbers will never be seen
PATIENCE = dt.timedelta(minutes=10)
#: how far back numbers are looked for, and how many of them are kept
FAR, MOST = 2000, 500
#: seconds between two looks of a stream, and until it ends so that a new one checks the token again
PAUSE, LIFE = 1.0, 60.0


class Place(NamedTuple):
    """How far somebody has read.

    Attributes:
        last: the number of the last event.
        lacking: smaller numbers that were not seen yet.
    """

    last: int = 0
    lacking: tuple[int, ...] = ()

    @classmethod
    def of(cls, text: str) -> Place:
        """
        Raises:
            Invalid: nobody has made this text.
        """
        if not text:
            return cls()
        try:
            found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            last, lacking = int(found[0]), tuple(int(each) for each in found[1][:MOST])
            if not all(0 <= each < 2**63 for each in (last, *lacking)):
                raise ValueError(text)
        except (ValueError, TypeError, IndexError, KeyError, binascii.Error, RecursionError, OverflowError):
            message = "This is no place in the history: take `next` of the page before."
            raise Invalid({"after": [message]}) from None
        return cls(last, lacking)

    def __str__(self) -> str:
        plain = json.dumps([self.last, self.lacking], separators=(",", ":"))
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


@blueprint.route("/events", tags=["Events"])
@needs("read")
@blueprint.arguments(EventQuery, location="query")
@blueprint.response(200, EVENTS)
def events(query: dict[str, Any]) -> BaseResponse:
    """What has happened in all processes that one may see. `next` is never null: it is where to go on later.

    With `Accept: text/event-stream` they are sent as they happen; `Last-Event-ID` goes on behind one."""
    if request.accept_mimetypes.best_match(["application/json", "text/event-stream"]) == "text/event-stream":
        return _stream(query)
    place = Place.of(query["after"])
    found, place = read(me(), place, query["flow"].replace("\0", ""), query["limit"])
    return reply(EVENTS(), {"items": [_plain(each) for each in found], "next": str(place)})


@blueprint.route("/events/ocel", tags=["Events"])
@needs("read")
@blueprint.arguments(LogQuery, location="query")
@blueprint.response(200, OcelSchema, headers=LINK)
def as_ocel(query: dict[str, Any]) -> BaseResponse:
    """The same events as a log for process mining (OCEL 2.0 in JSON). The header `Link` says where to go on, now or
    later: nothing is lost or told twice between two reads."""
    found = _log(query, "ocel")
    return _linked(reply(OcelSchema(), mining.ocel(found.events)), found, query)


@blueprint.route("/events/xes", tags=["Events"])
@needs("read")
@blueprint.arguments(LogQuery, location="query")
@blueprint.response(200, {"type": "string"}, content_type="application/xml", headers=LINK)
def as_xes(query: dict[str, Any]) -> BaseResponse:
    """The same events as a log for process mining (XES, IEEE 1849), a trace for each process; `Link` as of OCEL."""
    found = _log(query, "xes")
    body = "".join(mining.xes(found.events))
    return _linked(current_app.response_class(body, mimetype="application/xml"), found, query)


class _Log(NamedTuple):
    events: list[Event]
    place: Place


def _log(query: dict[str, Any], name: str) -> _Log:
    if not query["after"]:  # all there is leaves the portal; who goes on from there gets news
        note_export("events", format=name)
    return _Log(*read(me(), Place.of(query["after"]), query["flow"].replace("\0", ""), query["limit"]))


def _linked(answer: BaseResponse, found: _Log, query: dict[str, Any]) -> BaseResponse:
    """An answer that says where to go on, as of RFC 8288."""
    kept = {name: value for name, value in query.items() if name != "after" and value}
    address = url_for(str(request.endpoint), **kept, after=str(found.place))
    answer.headers["Link"] = f'<{address}>; rel="next"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def read(user: User, place: Place, flow: str, limit: int) -> tuple[list[Event], Place]:
    """The next events that a person may see, and the place behind them.

    Args:
        flow: the label of a flow; empty for all.
    """
    behind = Event.id > place.last
    wanted = (
        select(Event)
        .join(Event.process)
        .where(
            or_(behind, Event.id.in_(place.lacking)) if place.lacking else behind,
            criteria.visible_processes(user),
        )
        .options(
            contains_eager(Event.process).lazyload(Process.created_by),
            joinedload(Event.task).lazyload(Task.owner),
            joinedload(Event.user).lazyload(User.roles),
        )
    )
    if flow:
        wanted = wanted.where(Process.flow_label == flow)
    found = list(db.session.scalars(wanted.order_by(Event.id).limit(limit)).unique())
    seen = {event.id for event in found}
    last = max([place.last, *seen])
    left = [each for each in place.lacking if each not in seen]
    return found, Place(last, _lacking(place.last, last, left))


def _lacking(before: int, last: int, left: list[int]) -> tuple[int, ...]:
    """The numbers up to a place that may still come to be seen."""
    if db.session().get_bind().dialect.name == "sqlite":
        return ()  # one action writes at a time: what has a smaller number was committed before
    begin = max(before, last - FAR)
    rows = db.session.execute(select(Event.id, Event.created).where(Event.id > begin, Event.id <= last)).all()
    old = clock.get()() - PATIENCE
    there = {row.id for row in rows}
    begin = max([begin, *(row.id for row in rows if row.created < old)])
    young = [number for number in range(begin + 1, last) if number not in there]
    return tuple([*(each for each in left if each not in there and each > last - FAR), *young][-MOST:])


def _plain(event: Event) -> dict[str, Any]:
    return representations.event(event, event.process, event.task)


def _stream(query: dict[str, Any]) -> BaseResponse:
    place = Place.of(request.headers.get("Last-Event-ID") or query["after"])
    user_id = me().id

    def lines() -> Iterator[str]:
        nonlocal place
        ends = time.monotonic() + (0 if current_app.testing else LIFE)
        yield f"retry: {int(PAUSE * 1000)}\n\n"
        while True:
            user = db.session.get(User, user_id)
            if user is None or not user.is_active:
                return
            found, place = read(user, place, query["flow"].replace("\0", ""), query["limit"])
            for number, event in enumerate(found):
                # Only behind the last one of a look is the place of all of them.
                said = f"id: {place}\n" if number == len(found) - 1 else ""
                body = flask_json.dumps(EventSchema().dump(_plain(event)))
                yield f"{said}event: {event.action}\ndata: {body}\n\n"
            db.session.rollback()  # nothing is held open while nothing happens
            if time.monotonic() >= ends and (not found or not current_app.testing):
                return
            if not found:
                yield ": nothing new\n\n"
                time.sleep(PAUSE)

    answer = Response(stream_with_context(lines()), mimetype="text/event-stream")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer
