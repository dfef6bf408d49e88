"""In which language a request is answered: the person's, else the browser's, else English."""

from __future__ import annotations

from typing import Any

from babel import Locale
from flask import g, request
from flask.sansio.scaffold import Scaffold
from werkzeug.wrappers import Response as BaseResponse

from portal import language

from .accounts.person import is_signed_in, person
from .problems import for_programs

#: what the browser keeps, so that the page to sign in speaks one's language too
COOKIE = "portal_language"
_YEAR = 366 * 86_400
_ENGLISH = Locale(language.SOURCE)

_: Any = language.lazy_gettext
#: what `said()` of static/portal/words.js is called with
_SCRIPT_WORDS: tuple[Any, ...] = (
    _("%(number)s selected"),
    _("%(what)s is removed."),
    _("%(number)s of %(of)s"),
    _("All selected"),
    _("In the list"),
    _("Next"),
    _("Previous"),
    _("Close"),
    _("Keyboard shortcuts"),
    _("Not saved"),
    _("Saved %(time)s"),
    _("Saving…"),
    _("Single letters can be switched off in your profile."),
    _("The form has %(size)s; at most %(most)s can be sent. Attach less, or smaller files."),
    _("There is a problem"),
    _("Undo"),
    _("You are signed out: send the form, and sign in again."),
    _("inbox"),
    _("next / previous row"),
    _("open the row"),
    _("processes"),
    _("queue"),
    _("search"),
    _("select the row"),
    _("new request"),
    _("take the task"),
    _("this help"),
)


def attach(scope: Scaffold) -> None:
    scope.before_request(_begin)
    scope.teardown_request(_end)


def _begin() -> None:
    # programs match the words of errors: for them they are always the same
    g.portal_language = language.begin(_ENGLISH if for_programs() else _chosen)


def _end(_error: BaseException | None) -> None:
    token = g.pop("portal_language", None)
    if token is not None:
        language.end(token)


def _chosen() -> Locale:
    """The language of this request, found out when the first word is written."""
    if "portal_locale" not in g:
        g.portal_locale = _of_browser()
        g.portal_locale = _of_person() or g.portal_locale
        language.settle(g.portal_locale)
    found: Locale = g.portal_locale
    return found


def _of_person() -> Locale | None:
    try:
        if not is_signed_in():
            return None
        # Behind an action the person would be read again for this alone.
        return language.known(g.spoken if "spoken" in g else person().language)
    except Exception:  # of the database or a host's `identity=`: the page tells it in what the browser says
        return None


def _of_browser() -> Locale:
    said = [request.cookies.get(COOKIE, ""), *(code for code, _quality in request.accept_languages)]
    return next((found for code in said if (found := language.known(code))), _ENGLISH)


def follow(code: str | None) -> None:
    """Write the rest of this request in the language of a person who is known, and not signed in yet."""
    found = language.known(code)
    if found is not None:
        g.portal_locale = found


def ask_again() -> None:
    """Write the rest of this request in the language that the person has chosen in it."""
    g.pop("portal_locale", None)
    g.pop("spoken", None)
    language.settle(_chosen)


def choices() -> list[tuple[str, str]]:
    """The languages that there are, each by its own name, and none for the browser's."""
    names = [(code, Locale.parse(code)) for code in language.languages()]
    return [
        ("", language.gettext("Same as browser")),
        *((code, (each.get_display_name(code) or code).capitalize()) for code, each in names),
    ]


def keep(response: BaseResponse, code: str) -> None:
    """Let the browser keep what a person has chosen; forget it where they follow the browser."""
    if code:
        response.set_cookie(
            COOKIE, code, max_age=_YEAR, samesite="Lax", httponly=True, secure=request.is_secure
        )
    else:
        response.delete_cookie(COOKIE)


def helpers() -> dict[str, Any]:
    """What every page can call."""
    return {
        "page_language": lambda: str(language.locale()).replace("_", "-"),
        "script_words": script_words,
    }


def script_words() -> dict[str, str]:
    """What the scripts of the pages say, in the page's language; nothing where that is their own."""
    return {str.__str__(word): said for word in _SCRIPT_WORDS if (said := str(word)) != word}
