"""Refusals as pages: what happened, who did what and when, and the way on."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Blueprint, Flask, current_app, g, got_request_exception, request
from flask import redirect as flask_redirect
from flask.sansio.scaffold import Scaffold
from flask_wtf.csrf import CSRFError
from markupsafe import escape
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.orm import joinedload
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    default_exceptions,
)
from werkzeug.wrappers import Response as BaseResponse

from portal import queries, trace
from portal.engine import lifecycle, permissions
from portal.engine.retries import disturbance, give_up
from portal.errors import (
    Gone,
    PermissionDenied,
    PortalError,
    TransientError,
    TransitionNotAllowed,
    Uncertain,
    Unusable,
)
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import Process, Task, db, schema_fault

from .accounts.person import is_signed_in
from .accounts.sign_in import require_login, sign_in_address
from .display.words import LOST, is_form
from .drafts import kept, refused
from .layout import me
from .limits import too_large
from .problems import for_programs, of_http, problem
from .rendering import render_template
from .urls import in_log, is_page, without_slash

Answer = tuple[str, int] | BaseResponse | HTTPException


class Words(NamedTuple):
    title: str
    text: str


WORDS = {
    400: Words(
        lazy_gettext("Bad request"),
        lazy_gettext("The address or the form is not in order. Go back and try again."),
    ),
    403: Words(lazy_gettext("No permission"), lazy_gettext("You do not hold the permission for this.")),
    404: Words(
        lazy_gettext("Page not found"), lazy_gettext("The address is mistyped, or what it named is gone.")
    ),
    405: Words(lazy_gettext("Not allowed"), lazy_gettext("This address does not take that kind of request.")),
    409: Words(
        lazy_gettext("This changed meanwhile"),
        lazy_gettext("It is not in a state that allows this any more."),
    ),
    413: Words(lazy_gettext("Too large"), ""),
    422: Words(lazy_gettext("Not accepted"), lazy_gettext("Something in the form is not in order.")),
    429: Words(lazy_gettext("Too many attempts"), lazy_gettext("Wait a minute, then try again.")),
    500: Words(
        lazy_gettext("Something went wrong"),
        lazy_gettext("It is not your doing, and nothing of what you sent has been half done."),
    ),
    503: Words(
        lazy_gettext("Not available now"),
        lazy_gettext("The portal cannot do this now. Try again in a moment."),
    ),
}
#: what our exceptions say by themselves, for the catalogues; `said` looks it up
_SAID = (
    lazy_gettext("The portal refused to do this."),
    lazy_gettext("This action is not allowed in the present state."),
    lazy_gettext("What this step works on was deleted."),
    lazy_gettext("This person may not do this."),
    lazy_gettext("The database could not do this now, and nothing was changed: try again."),
    lazy_gettext(
        "Somebody else is working on this process at the moment, and nothing was changed: try again."
    ),
    lazy_gettext("The database took too long over this, and nothing was changed: try again later."),
    lazy_gettext(
        "The database cannot be used, and nothing was changed: an administrator has to look after it."
    ),
    lazy_gettext(
        "The connection to the database was lost while saving: look whether it was saved before doing it again."
    ),
    lazy_gettext("The form is not valid."),
)
#: why a task in this state cannot be worked on
CONFLICTS = {
    "NEW": (
        lazy_gettext("Take it first"),
        lazy_gettext("Nobody has taken this task yet. Once you take it, nobody else works on it."),
    ),
    "DONE": (
        lazy_gettext("Already done"),
        lazy_gettext("This task is finished, perhaps by you in another window."),
    ),
    "CANCELED": (lazy_gettext("Cancelled"), lazy_gettext("There is nothing to do here any more.")),
    "REVIVED": (
        lazy_gettext("Replaced by a new task"),
        lazy_gettext("It was retried or reopened: a new task has taken its place."),
    ),
    "ERROR": (lazy_gettext("Failed"), lazy_gettext("A manager of the flow can retry it or cancel it.")),
}
#: from these states the action itself is allowed: what stands in its way is said by the error
_NAMED = {name: rule.source for name, rule in lifecycle.ACTIONS.items() if name in ("revive", "skip", "move")}
MOVED = (
    lazy_gettext("Moved to another step"),
    lazy_gettext(
        "The flow has changed since you opened this. The task goes on at the step that is named after it on its page."
    ),
)
GONE = Words(
    lazy_gettext("Deleted meanwhile"),
    lazy_gettext(
        "What this task works on was deleted, so its form cannot be shown. "
        "A manager of the flow can cancel the task or the process."
    ),
)
#: how many seconds later a program may try again
RETRY_AFTER = 5
_DISTURBED = Words(lazy_gettext("Try again"), "")
_UNUSABLE = Words(lazy_gettext("The portal cannot work now"), "")
_UNCERTAIN = Words(lazy_gettext("Check whether it was saved"), "")
_SCHEMA = lazy_gettext(
    "The database lacks something that this version of the portal needs, and nothing was changed. "
    "An administrator has to bring it up to date."
)
_AGAIN = lazy_gettext("What you typed is below.")
_CSRF = Words(
    lazy_gettext("Your session has expired"),
    lazy_gettext(
        "You have signed in again since this page was opened, or your browser keeps no cookies. "
        "Load the page again and send it once more."
    ),
)


_CSRF_LACKS = "A browser's session needs the header X-CSRFToken, with the token of its pages."


def attach(scope: Scaffold) -> None:
    """Our pages for what is refused, in an application of ours or below our prefix in another."""
    scope.register_error_handler(HTTPException, _http)
    scope.register_error_handler(CSRFError, _csrf)
    scope.register_error_handler(TransitionNotAllowed, _conflict)
    scope.register_error_handler(PermissionDenied, _denied)
    for disturbed in (TransientError, DBAPIError, TimeoutError):
        scope.register_error_handler(disturbed, _disturbed)
    scope.register_error_handler(Uncertain, _uncertain)
    scope.register_error_handler(InternalServerError, _broken)
    if isinstance(
        scope, Blueprint
    ):  # Flask asks an application's handler of one code before a blueprint's of all
        for code in default_exceptions:
            if code != InternalServerError.code:
                scope.register_error_handler(code, _http)
        scope.register_error_handler(Exception, _unexpected)


def page(code: int, text: str = "", **context: Any) -> tuple[str, int]:
    """An error page in the frame of the portal."""
    words = context.pop("words", None) or WORDS.get(code) or Words(_("That did not work"), "")
    return render_template(
        "portal/error.html",
        code=code,
        title=words.title,
        text=text or words.text,
        sign_in=sign_in_address(),
        **refused.of_request(),
        **context,
    ), code


def _http(error: HTTPException) -> Answer:
    if for_programs() and error.response is None and (error.code or 0) >= 400:
        return of_http(error, too_large() if error.code == 413 else "")
    if error.code == 404 and (target := without_slash()) is not None:
        return flask_redirect(target, 308)
    if error.code is None or error.code < 400 or error.response is not None:
        return error
    own = error.description if error.description != type(error).description else ""
    html, code = page(error.code, too_large() if error.code == 413 else own or "")
    response: BaseResponse = current_app.make_response((html, code))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _csrf(error: CSRFError) -> Answer:
    if for_programs():
        return problem(403, _CSRF_LACKS)
    if kept.is_form() and not is_signed_in():  # its session is over, and the token with it
        sent_on = require_login()
        if sent_on is not None:
            return sent_on
    return page(400, words=_CSRF)


def _denied(error: PortalError) -> Answer:
    db.session.rollback()
    if for_programs():
        return problem(403, sentence(said(error)))
    context = _subject()
    task: Any = context.get("task")
    if task is not None:  # perhaps it was taken over meanwhile
        context["event"] = queries.last_event(db.session(), task=task)
        if task.status == "ASSIGNED" and task.owner_id == me().id:
            context["can_give_back"] = request.path.endswith("/execute")
            context["could"] = queries.who_could(db.session(), task)
        elif task.status == "ASSIGNED" and request.path.endswith("/execute"):
            context["words"] = WORDS[403]._replace(title=_("Taken by %(name)s", name=task.owner.name))
    return page(403, sentence(said(error)), **context)


def _conflict(error: TransitionNotAllowed) -> Answer:
    """Somebody was faster: who it was, when, and where to go from here."""
    db.session.rollback()
    if for_programs():
        return problem(409, sentence(said(error)))
    context = _subject()
    task: Any = context.get("task")
    process: Any = context.get("process")
    if process is not None:
        context["event"] = queries.last_event(db.session(), task=task, process=None if task else process)
    if task is not None:
        free = task.status == "NEW" and is_form(task) and not process.on_hold
        context["can_take"] = free and permissions.may_take(db.session(), me(), task)
    action = request.path.rpartition("/")[2]
    # the state of the task itself does not forbid these: the error names what does
    named = action in ("undo", "withdraw", "retry") or (
        task is not None and task.status in _NAMED.get(action, ()) and not process.on_hold
    )
    title, text = ("", "") if named else _why(task, process, context.get("event"))
    words = Words(title or WORDS[409].title, text or sentence(said(error)))
    if isinstance(error, Gone):
        words = GONE
    return page(409, words=words, **context)


def _subject() -> dict[str, Any]:
    """What the address named, read again; nothing if the person may not see it."""
    kind, number = g.get("subject") or ("", 0)
    if kind == "task":
        query = select(Task).where(Task.id == number).options(joinedload(Task.process))
        task = db.session.scalars(query).unique().one()
        seen = permissions.may_see_process(db.session(), me(), task.process)
        return {"task": task, "process": task.process, "sees_process": seen}
    if kind == "process":
        return {"process": db.session.get_one(Process, number), "sees_process": True}
    return {}


def _why(task: Any, process: Any, event: Any) -> tuple[str, str]:
    """The title and the text of a conflict, from the state that stands in the way."""
    if process is not None and process.on_hold:
        return _("Process suspended"), _("Nobody can work on it until a manager resumes it.")
    if task is None:
        return "", ""
    if task.status == "CANCELED" and event is not None and event.action in ("migrate", "move"):
        return MOVED
    if task.is_open and task.node is None:
        return _("Step removed"), LOST
    if task.status == "ASSIGNED":
        return _("Taken by %(name)s", name=task.owner.name), _("It can be taken again once it is given back.")
    return CONFLICTS.get(task.status, ("", ""))


def said(error: Exception) -> str:
    """The text of a refusal in the reader's language: those of our exceptions, and an application's if a catalogue
    has them."""
    return _(str(error))


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def not_there(unknown: str) -> Any:
    """An address below our prefix that is no page: ours to say, in our frame."""
    methods = [method for method in ("GET", "POST") if is_page(request.path, method)]
    raise MethodNotAllowed(methods) if methods else NotFound


def _unexpected(error: Exception) -> Answer:
    """A fault in the code below our prefix: the page is ours, also where the application takes all exceptions itself.
    It hears of it as ever."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    propagates = app.config["PROPAGATE_EXCEPTIONS"]
    if propagates or (propagates is None and (app.testing or app.debug)):
        raise error
    got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=error)
    return _broken(InternalServerError(original_exception=error))


def _broken(error: InternalServerError) -> Answer:
    reference = trace.current.get()
    cause = error.original_exception
    if isinstance(cause, Exception) and (disturbance(cause) is not None or _lacks_schema(cause)):
        return _disturbed(cause)  # it came while the page of a refusal was made
    current_app.logger.error("reference %s: %s %s", reference, request.method, in_log(), exc_info=cause)
    if for_programs():
        return problem(500, WORDS[500].text)
    return _page_or_words(WORDS[500], 500, reference=reference)


def _disturbed(error: Exception) -> Answer:
    """The database could not do it for the moment; nothing was changed."""
    found = disturbance(error) or (Unusable(_SCHEMA) if _lacks_schema(error) else None)
    if found is None:
        raise error
    current_app.logger.warning("reference %s: %s %s", trace.current.get(), request.method, in_log(),
                               exc_info=error)  # fmt: skip
    text = (
        said(found)
        if request.method == "GET"
        else f"{said(found)} {_AGAIN if kept.is_form() else ''}".strip()
    )
    return _unavailable((_UNUSABLE if isinstance(found, Unusable) else _DISTURBED)._replace(text=text))


def _lacks_schema(error: Exception) -> bool:
    """Whether a statement failed because the database is not the one that this code expects."""
    if not isinstance(error, DBAPIError):
        return False
    give_up(db.session())
    try:
        return schema_fault(db.session()) is not None
    except (DBAPIError, TimeoutError):
        return False


def _uncertain(error: Uncertain) -> Answer:
    """Nobody can tell whether it was saved: what to look at, and no second try by ourselves."""
    current_app.logger.error("reference %s: lost at commit", trace.current.get(), exc_info=error)
    return _unavailable(_UNCERTAIN._replace(text=said(error)))


def _unavailable(words: Words) -> Answer:
    give_up(db.session())
    if for_programs():
        return problem(503, words.text, headers={"Retry-After": str(RETRY_AFTER)})
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
            f"<!doctype html><title>{words.title}</title><p>{words.title}. {text}{refused.plain()}",
            code,
        )
