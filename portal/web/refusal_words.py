"""What a refusal says: its title and its text, by the HTTP status, the state of a task, or what failed."""

from __future__ import annotations

from typing import Any, NamedTuple

from portal.language import lazy_gettext

_: Any = lazy_gettext


class Words(NamedTuple):
    title: str
    text: str


WORDS = {
    400: Words(_("Bad request"), _("The address or the form is not in order. Go back and try again.")),
    403: Words(_("No permission"), _("You do not hold the permission for this.")),
    404: Words(_("Page not found"), _("The address is mistyped, or what it named is gone.")),
    405: Words(_("Not allowed"), _("This address does not take that kind of request.")),
    409: Words(_("This changed meanwhile"), _("It is not in a state that allows this any more.")),
    413: Words(_("Too large"), ""),
    422: Words(_("Not accepted"), _("Something in the form is not in order.")),
    429: Words(_("Too many attempts"), _("Wait a minute, then try again.")),
    500: Words(
        _("Something went wrong"), _("It is not your doing, and nothing of what you sent has been half done.")
    ),
    503: Words(_("Not available now"), _("The portal cannot do this now. Try again in a moment.")),
}
#: what our exceptions say by themselves, for the catalogues; `said` in `errors` looks it up
_SAID = (
    _("The portal refused to do this."),
    _("This action is not allowed in the present state."),
    _("What this step works on was deleted."),
    _("This person may not do this."),
    _("The database could not do this now, and nothing was changed: try again."),
    _("Somebody else is working on this process at the moment, and nothing was changed: try again."),
    _("The database took too long over this, and nothing was changed: try again later."),
    _("The database cannot be used, and nothing was changed: an administrator has to look after it."),
    _(
        "The connection to the database was lost while saving: look whether it was saved before doing it again."
    ),
    _("The form is not valid."),
)
#: why a task in this state cannot be worked on
CONFLICTS = {
    "NEW": (
        _("Take it first"),
        _("Nobody has taken this task yet. Once you take it, nobody else works on it."),
    ),
    "DONE": (_("Already done"), _("This task is finished, perhaps by you in another window.")),
    "CANCELED": (_("Cancelled"), _("There is nothing to do here any more.")),
    "REVIVED": (
        _("Replaced by a new task"),
        _("It was retried or reopened: a new task has taken its place."),
    ),
    "ERROR": (_("Failed"), _("A manager of the flow can retry it or cancel it.")),
}
MOVED = (
    _("Moved to another step"),
    _(
        "The flow has changed since you opened this. The task goes on at the step that is named after it on its page."
    ),
)
GONE = Words(
    _("Deleted meanwhile"),
    _(
        "What this task works on was deleted, so its form cannot be shown. "
        "A manager of the flow can cancel the task or the process."
    ),
)
TRY_AGAIN = Words(_("Try again"), "")
UNUSABLE = Words(_("The portal cannot work now"), "")
UNCERTAIN = Words(_("Check whether it was saved"), "")
#: where a table or a column is missing
SCHEMA = _(
    "The database lacks something that this version of the portal needs, and nothing was changed. "
    "An administrator has to bring it up to date."
)
#: of a form that was sent, behind the words
AGAIN = _("What you typed is below.")
#: of a form whose token is not that of the session
CSRF = Words(
    _("Your session has expired"),
    _(
        "You have signed in again since this page was opened, or your browser keeps no cookies. "
        "Load the page again and send it once more."
    ),
)
#: the same for programs
CSRF_LACKS = "A browser's session needs the header X-CSRFToken, with the token of its pages."
