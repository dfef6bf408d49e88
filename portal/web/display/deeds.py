"""What an event of the history says: who did what, and by which rule."""

from __future__ import annotations

from typing import Any

from portal.language import gettext, lazy_gettext, lazy_pgettext

_: Any = lazy_gettext

#: the action of an event, or of a button, as a finished deed
DEEDS = {
    "assign": _("took"),
    "unassign": _("gave back"),
    "reassign": _("assigned"),
    "execute": _("finished"),
    "cancel": lazy_pgettext("deed", "cancelled"),
    "undo": _("undid"),
    "revive": _("reopened"),
    "suspend": _("suspended"),
    "resume": _("resumed"),
    "start": _("started"),
    "step": _("reached"),
    "timer": _("timer fired"),
    "signal": _("signal received"),
    "message": _("message received"),
    "job": _("ran"),
    "migrate": _("moved to another step"),
    "create": _("created"),
    "skip": _("skipped"),
    "move": _("moved"),
    "due": _("changed the due date of"),
    "priority": _("changed the priority of"),
    "snooze": _("snoozed"),
    "help": _("asked for help with"),
    "reschedule": _("changed when it runs:"),
    "withdraw": _("withdrew"),
    "data": _("changed data of"),
    "send": _("sent a message or a signal:"),
    "add": _("added an item to"),
    "requester": _("gave the request to somebody else:"),
    "hold": _("put a legal hold on"),
    "release": _("ended the legal hold on"),
}
#: what happens by itself, though somebody's action may have set it off
_BY_ITSELF = ("create", "step", "timer", "signal", "message", "job")


def by_person(event: Any) -> bool:
    """Whether somebody did it. Whom a rule of the flow gave a task, the one before set that off and no more."""
    return event.user is not None and event.action not in _BY_ITSELF and not (event.detail or {}).get("rule")


#: the rules of assignment, as the history calls them
_RULES = {
    "round robin": _("round robin"),
    "shortest queue": _("shortest queue"),
    "random": _("random"),
    "familiar": _("who knows the case"),
    "case owner": _("the owner of the case"),
    "capability": _("skill:"),
    "experienced": _("who has done it most often"),
    "manager of": _("manager of"),
    "named by the flow": _("named by the flow"),
}


def rule_words(said: Any) -> str:
    """The rule that chose somebody, in the language of the reader: `capability french, round robin`."""
    return ", ".join(_rule(part) for part in str(said).split(", "))


def _rule(said: str) -> str:
    for name, words in _RULES.items():
        if said == name or said.startswith(f"{name} "):
            return f"{words}{said[len(name) :]}"
    return said


def unassigned_words(said: Any) -> str:
    """Why a rule gave a task to nobody, as the engine notes it in English, in the language of the reader."""
    text = str(said)
    if text.startswith(_NOBODY):
        return gettext("nobody fits: %(rule)s", rule=rule_words(text.removeprefix(_NOBODY)))
    if text.startswith(_NO_USER):
        return gettext("there is no user %(name)s", name=text.removeprefix(_NO_USER))
    if text.endswith(_AWAY):
        return gettext("%(name)s is deactivated", name=text.removesuffix(_AWAY))
    if text.endswith(_COUNTERPART):
        return gettext(
            "%(name)s did a step that must be done by someone else", name=text.removesuffix(_COUNTERPART)
        )
    return text


#: as portal/engine/interpreter/assignment.py says it
_NOBODY, _NO_USER = "nobody fits: ", "there is no user "
_AWAY, _COUNTERPART = " is deactivated", " did a step that must be done by someone else"


def deed_to_it(event: Any) -> str:
    """What somebody did with the task that a page is about."""
    taken_over = event.action == "reassign" and _to_oneself(event)
    return gettext("took it over") if taken_over else gettext("%(did)s it", did=deed(event))


def _to_oneself(event: Any) -> bool:
    return bool((event.detail or {}).get("to", event.user.username) == event.user.username)


def deed(event: Any) -> str:
    """What somebody did, as a verb."""
    if event.action == "assign" and (event.from_state is None or (event.detail or {}).get("rule")):
        return gettext("was assigned")
    if event.action == "assign" and event.user is not None and not _to_oneself(event):
        return gettext("assigned")
    if event.action == "revive" and event.from_state == "ERROR":
        return gettext("retried")
    if event.action == "step" and (event.detail or {}).get("unassigned"):
        return gettext("left in the queue")
    if event.action == "help" and not (event.detail or {}).get("to"):
        return gettext("ended the help with")
    return str(DEEDS.get(event.action, event.action))
