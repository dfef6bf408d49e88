"""Refusals as pages: what happened, who did what and when, and the way on."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Flask, current_app, g, render_template, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from markupsafe import escape
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.orm import joinedload
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.wrappers import Response as BaseResponse

from portal import queries, trace
from portal.engine import access
from portal.engine.disturbances import disturbance, give_up
from portal.errors import Disturbed, PermissionDenied, PortalError, TransitionNotAllowed, Uncertain
from portal.models import Process, Task, db

from . import draft_words, drafts
from .addresses import in_log
from .frame import me
from .sign_in import require_login
from .words import LOST, is_form

Answer = tuple[str, int] | BaseResponse | HTTPException


class Words(NamedTuple):
    title: str
    text: str


WORDS = {
    400: Words("That could not be read", "The address or the form is not in order. Go back and try again."),
    403: Words("Not for you", "You do not hold the permission for this."),
    404: Words("Not there", "The address is mistyped, or what it named is gone."),
    405: Words("Not this way", "This address does not take that kind of request."),
    409: Words("Not possible now", "It is not in a state that allows this."),
    413: Words("Too large", "What you sent is larger than the portal takes. Attach less, or smaller files."),
    422: Words("Not accepted", "Something in the form is not in order."),
    429: Words("Too many tries", "Wait a minute, then try again."),
    500: Words("Something broke", "It is not your doing, and nothing of what you sent has been half done."),
}
#: why a task in this state cannot be worked on
CONFLICTS = {
    "NEW": ("Nobody has it yet", "Take the task first: then it is yours, and nobody works on it beside you."),
    "DONE": ("It is done already", "Somebody has finished this task, perhaps you in another window."),
    "CANCELED": ("It was cancelled", "There is nothing to do here any more."),
    "REVIVED": ("It was started afresh", "A fresh copy of this task has taken its place."),
    "ERROR": ("It failed", "A manager of the flow can revive it or cancel it."),
}
MOVED = (
    "It was moved to another step",
    "The flow has changed since you opened this. The task goes on at the step that is named after it on its page.",
)
#: how many seconds later a program may try again
RETRY_AFTER = 5
_DISTURBED = Words("Try again", "")
_UNCERTAIN = Words("Look whether it was saved", "")
_AGAIN = "Send it again: what you typed is below."
_CSRF = Words(
    "The form is too old",
    "You have signed in again since it was opened, or your browser keeps no cookies. "
    "Load the page again and send it once more.",
)


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(TransitionNotAllowed, _conflict)
    app.register_error_handler(PermissionDenied, _denied)
    for disturbed in (Disturbed, DBAPIError, TimeoutError):
        app.register_error_handler(disturbed, _disturbed)
    app.register_error_handler(Uncertain, _uncertain)
    app.register_error_handler(InternalServerError, _broken)


def page(code: int, text: str = "", **context: Any) -> tuple[str, int]:
    """An error page in the frame of the portal."""
    words = context.pop("words", None) or WORDS.get(code) or Words("That did not work", "")
    return render_template(
        "error.html",
        code=code,
        title=words.title,
        text=text or words.text,
        **draft_words.of_request(),
        **context,
    ), code


def _for_programs() -> bool:
    return request.path.startswith("/api/")


def _http(error: HTTPException) -> Answer:
    if _for_programs() or error.code is None or error.code < 400 or error.response is not None:
        return error
    own = error.description if error.description != type(error).description else ""
    # Flask-Limiter's description is the limit, which is nobody's business.
    html, code = page(error.code, "" if error.code == 429 else own or "")
    response: BaseResponse = current_app.make_response((html, code))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _csrf(error: CSRFError) -> Answer:
    if _for_programs():
        answer: Answer = error
        return answer
    if drafts.is_form() and not current_user.is_authenticated:  # its session is over, and the token with it
        sent_on = require_login()
        if sent_on is not None:
            return sent_on
    return page(400, words=_CSRF)


def _denied(error: PortalError) -> Answer:
    db.session.rollback()
    return page(403, str(error), **_subject())


def _conflict(error: TransitionNotAllowed) -> Answer:
    """Somebody was faster: who it was, when, and where to go from here."""
    db.session.rollback()
    context = _subject()
    task: Any = context.get("task")
    process: Any = context.get("process")
    if process is not None:
        context["event"] = queries.last_event(db.session(), task=task, process=None if task else process)
    if task is not None:
        free = task.status == "NEW" and is_form(task) and not process.on_hold
        context["can_take"] = free and access.may_take(db.session(), me(), task)
    title, text = (
        _why(task, process, context.get("event")) if not request.path.endswith("/undo") else ("", "")
    )
    words = Words(title or WORDS[409].title, text or sentence(str(error)))
    return page(409, words=words, **context)


def _subject() -> dict[str, Any]:
    """What the address named, read again; nothing if the person may not see it."""
    kind, number = g.get("subject") or ("", 0)
    if kind == "task":
        query = select(Task).where(Task.id == number).options(joinedload(Task.process))
        task = db.session.scalars(query).unique().one()
        seen = access.may_see_process(db.session(), me(), task.process)
        return {"task": task, "process": task.process, "sees_process": seen}
    if kind == "process":
        return {"process": db.session.get_one(Process, number), "sees_process": True}
    return {}


def _why(task: Any, process: Any, event: Any) -> tuple[str, str]:
    """The title and the text of a conflict, from the state that stands in the way."""
    if process is not None and process.on_hold:
        return "The process is suspended", "Nobody can work on it until a manager resumes it."
    if task is None:
        return "", ""
    if task.status == "CANCELED" and event is not None and event.action == "migrate":
        return MOVED
    if task.is_open and task.node is None:
        return "The step is gone", LOST
    if task.status == "ASSIGNED":
        return f"{task.owner.name} has it", "It can be taken again once it is given back."
    return CONFLICTS.get(task.status, ("", ""))


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _broken(error: InternalServerError) -> Answer:
    reference = trace.current.get()
    cause = error.original_exception
    if isinstance(cause, Exception) and disturbance(cause) is not None:
        return _disturbed(cause)  # it came while the page of a refusal was made
    current_app.logger.error("reference %s: %s %s", reference, request.method, in_log(), exc_info=cause)
    if _for_programs():
        return error
    return _page_or_words(WORDS[500], 500, reference=reference)


def _disturbed(error: Exception) -> Answer:
    """The database could not do it for the moment; nothing was changed."""
    found = disturbance(error)
    if found is None:
        raise error
    current_app.logger.warning("reference %s: %s %s", trace.current.get(), request.method, in_log(),
                               exc_info=error)  # fmt: skip
    text = str(found) if request.method == "GET" else f"{found} {_AGAIN if drafts.is_form() else ''}".strip()
    return _unavailable(_DISTURBED._replace(text=text))


def _uncertain(error: Uncertain) -> Answer:
    """Nobody can tell whether it was saved: what to look at, and no second try by ourselves."""
    current_app.logger.error("reference %s: lost at commit", trace.current.get(), exc_info=error)
    return _unavailable(_UNCERTAIN._replace(text=str(error)))


def _unavailable(words: Words) -> Answer:
    if _for_programs():
        return ServiceUnavailable(words.text, retry_after=RETRY_AFTER)
    give_up(db.session())
    response: BaseResponse = current_app.make_response(_page_or_words(words, 503))
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _page_or_words(words: Words, code: int, **context: Any) -> tuple[str, int]:
    """A page in the frame of the portal, which needs the database; without one, the words alone."""
    try:
        db.session.rollback()
        if code == 503:
            context |= _subject()
        return page(code, words=words, **context)
    except Exception:
        reference = trace.current.get()
        current_app.logger.exception("reference %s: no page can be made", reference)
        text = escape(f"{words.text} Reference: {reference}")
        return (
            f"<!doctype html><title>{words.title}</title><p>{words.title}. {text}{draft_words.plain()}",
            code,
        )
