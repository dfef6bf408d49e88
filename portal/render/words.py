"""The texts of a picture: titles, rules and times of nodes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from babel.numbers import format_decimal
from babel.units import format_unit

from portal.flow import assignment
from portal.flow.base import describe
from portal.flow.reference import Owner, Reference
from portal.language import gettext as _
from portal.language import lazy_gettext, locale, ngettext, pgettext
from portal.working_time import WorkingTime

_UNITS = (("week", 7 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


#: boundary events without a code
_UNNAMED = {
    "ErrorBoundary": lazy_gettext("Any error"),
    "EscalationBoundary": lazy_gettext("Escalation"),
    "CompensationBoundary": lazy_gettext("Taken back"),
}


def caption(node: Any) -> str:
    """A node's title; a boundary event without one says when it fires."""
    own = node._title
    if node.kind == "TimeoutBoundary":
        return own or _again(node, _moment(node.delay))
    if node.kind in ("MessageBoundary", "SignalBoundary"):
        return own or code_of(node)
    if node.kind in _UNNAMED:
        return own or code_of(node) or str(_UNNAMED[node.kind])
    return str(node.title)


def label(edge: Any) -> str:
    """What stands at a way; one that makes a token for each item of a source says so."""
    said = str(edge.label)
    if said in ("Yes", "No"):  # what `.Then()` and `.Else()` say by themselves
        said = _(said)
    return " · ".join(filter(None, (said, _("for each item") if edge.multiple else "")))


def notes(node: Any) -> tuple[str, ...]:
    """What the shape alone does not say about a node, a line each."""
    lines = []
    if mutex := node.mutex:
        lines.append(_("one at a time: %(mutex)s", mutex=mutex))
    if (milestone := node.milestone) is not None:
        lines.append(_("only while: %(condition)s", condition=describe(milestone) or _("it is time")))
    if topic := node.topic:
        lines.append(_("topic: %(topic)s", topic=topic))
    if region := node.region:
        nodes = node.flow_class.definition.nodes
        lines.append(_("cancels %(region)s", region=", ".join(caption(nodes[each.name]) for each in region)))
    if (table := node.table) is not None:
        lines.append(_("by %(table)s", table=table.name))
    if node.kind == "Join":
        lines += _enough(node)
    return tuple(lines)


def _enough(join: Any) -> list[str]:
    """When a join goes on early, and what becomes of the branches that are not in."""
    count, asked = join.count, join.continue_on_condition
    if count is None and asked is None:
        return []
    early = []
    if count is not None:
        early = [_("the first is enough") if count == 1 else _("%(count)s are enough", count=count)]
    early += (
        [_("or when: %(condition)s", condition=describe(asked) or _("a condition holds"))]
        if asked is not None
        else []
    )
    rest = _("the rest is cancelled") if join.cancel_active else _("the rest goes on")
    return [*early, rest, *([_("one round at a time")] if join.blocking else [])]


def code_of(node: Any) -> str:
    """The code or name that a node throws or catches, empty if it has none."""
    code = node.code or node.signal or node.message or ""
    return code.__name__ if isinstance(code, type) else str(code)


def span(delay: dt.timedelta) -> str:
    """A span in words: "3 days", "1 hour 30 minutes"."""
    left, parts = round(delay.total_seconds()), []
    for unit, seconds in _UNITS:
        count, rest = divmod(left, seconds)
        if count and not (unit == "week" and rest):
            parts.append(format_unit(count, f"duration-{unit}", locale=locale()))
            left = rest
    return " ".join(parts) or _("At once")


def working_span(delay: WorkingTime) -> str:
    """Working time in words: "2 working days 4 working hours"."""
    parts = []
    if delay.days:
        parts.append(ngettext("%(number)s working day", "%(number)s working days", delay.days))
    if delay.hours or not delay.days:
        hours = format_decimal(delay.hours, locale=locale())
        parts.append(
            ngettext(
                "%(hours)s working hour", "%(hours)s working hours", 1 if delay.hours == 1 else 2, hours=hours
            )
        )
    return " ".join(parts)


def _moment(delay: Any) -> str:
    if isinstance(delay, dt.timedelta):
        return _("After %(span)s", span=span(delay))
    if isinstance(delay, WorkingTime):
        return _("After %(span)s", span=working_span(delay))
    if isinstance(delay, dt.datetime):
        return _("On %(moment)s", moment=f"{delay:%Y-%m-%d %H:%M}")
    return _("When overdue")


def _again(timeout: Any, first: str) -> str:
    """When a timeout fires, and when again."""
    times, interval = timeout.times_to_fire, timeout.interval
    if times == 1 or interval is None:
        return first
    each = working_span(interval) if isinstance(interval, WorkingTime) else span(interval)
    if times is None:
        return _("%(first)s, then every %(span)s", first=first, span=each)
    return _("%(first)s, %(times)s times, every %(span)s", first=first, times=times, span=each)


def given_out(node: Any) -> tuple[str, ...]:
    """By which rule a task of a person is given out; said beside the shape's name, not drawn."""
    rule = node.assigned
    return (_("given out: %(rule)s", rule=rule_words(rule)),) if isinstance(rule, assignment.Rule) else ()


def person_words(assigned: Any) -> str:
    """Whom `.Assign()` means."""
    if isinstance(assigned, Owner):
        return _("the person of %(step)s", step=assigned.node.replace("_", " "))
    if isinstance(assigned, Reference):
        return assigned.name.replace("_", " ")
    if isinstance(assigned, str):
        return assigned
    if isinstance(assigned, assignment.Rule):
        return rule_words(assigned)
    return describe(assigned) or type(assigned).__name__


def rule_words(rule: assignment.Rule) -> str:
    """A rule of assignment, such as `capability french, round robin of Translators`."""
    if isinstance(rule, assignment.First):
        words = _(", else ").join(map(rule_words, rule.rules))
    elif isinstance(rule, assignment.Capability):
        words = f"{_rule_title(rule)} {rule.skill}, {rule_words(rule.then)}"
    elif isinstance(rule, assignment.ManagerOf):
        words = f"{_rule_title(rule)} {person_words(rule.person)}"
    else:
        words = _rule_title(rule)
    return _("%(rule)s of %(role)s", rule=words, role=rule.role) if rule.role else words


def _rule_title(rule: assignment.Rule) -> str:
    return {
        "round robin": _("round robin"),
        "shortest queue": _("shortest queue"),
        "random": _("random"),
        "familiar": pgettext("rule", "familiar"),
        "case owner": pgettext("rule", "case owner"),
        "capability": pgettext("rule", "capability"),
        "experienced": pgettext("rule", "experienced"),
        "manager of": _("manager of"),
    }.get(rule.title, rule.title)
