"""Reports: figures of the flows that one may see, and of one flow in a period beside the one before."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from babel.dates import format_date
from flask import Blueprint, Response, abort, request, url_for

from portal import render
from portal.errors import PermissionDenied
from portal.flow import registry
from portal.language import gettext as _
from portal.language import lazy_gettext, locale, pgettext
from portal.models import User, db
from portal.queries import counts
from portal.queries import reports as figures
from portal.queries.report_parts import Load, Path, Report, StepSums, Times
from portal.render import ChartState

from . import navigation
from .accounts.sign_in import require_login
from .csv_files import as_csv
from .display.lengths import length
from .display.steps import step_title
from .layout import me, now
from .navigation import Entry
from .rendering import render_template
from .urls import asked, narrowed

blueprint = Blueprint("reports", __name__)
blueprint.before_request(require_login)
navigation.register(
    Entry(
        "reports", lazy_gettext("Reports"), "bar-chart", "portal.reports.index", 75,
        shown=lambda user: bool(_seen(user)),
    ),
)  # fmt: skip

#: days of the periods that are offered, the first one unless somebody asks for another
PERIODS = (28, 7, 90, 365)
#: the longest period in days: three years
LONGEST = 1100
#: so many steps have a band of their own in the picture
_BANDS = 6
#: so many days stand in the table below it
_MOST_DAYS = 62
HEATS = {"time": lazy_gettext("Time"), "count": lazy_gettext("Count"), "failures": lazy_gettext("Failures")}
ENDINGS = {"DONE": "", "CANCELED": lazy_gettext("Cancelled"), "FAILED": lazy_gettext("Failed")}


@dataclass(frozen=True)
class Wanted:
    """What a report shows; it stands in its address."""

    label: str
    since: dt.date
    until: dt.date
    version: str = ""
    heat: str = "time"

    def address(self, **changes: Any) -> str:
        values = {
            "since": self.since,
            "until": self.until,
            "version": self.version,
            "heat": self.heat,
        } | changes
        if values["heat"] == "time":
            values["heat"] = ""
        return narrowed("portal.reports.flow", label=self.label, **values)

    def period(self, days: int, today: dt.date) -> str:
        return self.address(since=today - dt.timedelta(days=days - 1), until=today)

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1


def _seen(user: User) -> list[str]:
    """The flows whose figures a person may see, by their titles."""
    found = [label for label in registry if user.views(label)]
    return sorted(found, key=lambda label: str(registry[label].definition.title).lower())


@blueprint.get("/reports")
def index() -> str | Response:
    labels = _seen(me())
    if not labels:
        raise PermissionDenied(_("Only people who may see all processes of a flow see its figures."))
    today = counts.today(db.session(), now())
    since, until = _period(today)
    found = figures.of_flows(db.session(), labels, since, until)
    if request.args.get("format") == "csv":
        head = [_("Flow"), _("Started"), _("Finished"), _("Open"), _("Cycle time, median (s)")]
        return as_csv("reports", head, (
            [registry[label].definition.title, each.started, each.finished, each.open, _seconds(each.cycle.p50)]
            for label, each in found.items()
        ))  # fmt: skip
    return render_template(
        "portal/reports.html", sums=found, since=since, until=until, length=length, day=_day, today=today,
        periods=[(days, url_for("portal.reports.index", since=today - dt.timedelta(days=days - 1), until=today))
                 for days in PERIODS],
    )  # fmt: skip


@blueprint.get("/reports/<label>")
def flow(label: str) -> str | Response:
    flow_class = registry.get(label)
    if flow_class is None:
        abort(404, _("There is no such flow."))
    if not me().views(label):
        raise PermissionDenied(_("Only people who may see all processes of a flow see its figures."))
    today = counts.today(db.session(), now())
    heat = request.args.get("heat", "time")
    version = asked("version", 16)
    wanted = Wanted(label, *_period(today), version, heat if heat in HEATS else "time")
    found = figures.report(db.session(), label, wanted.since, wanted.until, version=version)
    order = {step.name: place for place, step in enumerate(render.steps(flow_class))}
    steps = sorted(found.steps, key=lambda each: (order.get(each.step, len(order)), each.step))
    steps = [each for each in steps if _works(flow_class, each.step)]
    found = replace(found, steps=steps)
    if request.args.get("format") == "csv":
        return _as_csv(flow_class, found)
    bands = _bands(found)
    return render_template(
        "portal/report.html",
        flow=flow_class.definition, wanted=wanted, report=found, length=length, day=_day, today=today,
        title=lambda step: _title(flow_class, step), path=lambda each: path_words(flow_class, each),
        overdue=figures.overdue(db.session(), label, now()), most_overdue=figures.MOST_OVERDUE,
        longest_step=max((each.time.p50 or 0 for each in steps), default=0),
        periods=[(days, wanted.period(days, today)) for days in PERIODS], heats=HEATS, bands=bands,
        band_days=_band_days(found, bands), band_title=lambda step: band_title(flow_class, step),
        chart=_cumulative(flow_class, found, bands),
        picture=render.svg(flow_class, _heat(found, wanted.heat), title_id="heat-map"),
    )  # fmt: skip


def _period(today: dt.date) -> tuple[dt.date, dt.date]:
    """The days that the address asks for, the last four weeks otherwise."""
    until = _date("until") or today
    since = _date("since") or until - dt.timedelta(days=min(PERIODS[0] - 1, (until - dt.date.min).days))
    if since > until:
        abort(400, _("The period ends before it begins."))
    if (until - since).days >= LONGEST or (since - dt.date.min).days <= LONGEST or until.year > 9000:
        abort(400, _("A period is at most three years long."))
    return since, until


def _date(name: str) -> dt.date | None:
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        abort(400, _("A date is written as 2026-11-24."))


def _works(flow_class: Any, step: str) -> bool:
    """Whether something is done there: gateways only decide, and events take no time of anybody's."""
    node = flow_class.definition.nodes.get(step)
    if node is None:
        return "__" not in step
    return not node.starts and (
        node.human
        or node.works
        or node.topic is not None
        or node.kind in ("Function", "Subprocess", "NSubprocess")
    )


def _title(flow_class: Any, step: str) -> str:
    return str(step_title(flow_class.definition, step))


def path_words(flow_class: Any, path: Path) -> str:
    """A way in words: the titles of its steps, and how it ended unless it reached an end."""
    if not path.ending:
        return _("All other ways")
    names = [_title(flow_class, step) if step != "…" else step for step in path.steps]
    return " → ".join(filter(None, [*names, str(ENDINGS[path.ending])]))


def _day(day: dt.date) -> str:
    return format_date(day, pgettext("date", "d MMM"), locale=locale())


def _bands(found: Report) -> list[tuple[str, str, list[int]]]:
    """The bands of the cumulative flow from the bottom: finished, then steps from the last to the first. Each with the
    name of its colour, its step (empty: finished, a star: other steps), and its height at the end of each day."""
    finished, total = [], 0
    for day in counts.days(found.since, found.until):
        total += found.flow_days[day]["finished"] if day in found.flow_days else 0
        finished.append(total)
    busy = [each.step for each in found.steps if any(found.open_steps[each.step])]
    shown = sorted(busy, key=lambda step: -max(found.open_steps[step]))[:_BANDS]
    bands = [("finished", "", finished)]
    rest = [found.open_steps[step] for step in busy if step not in shown]
    if rest:
        bands.append(("other", "*", [sum(numbers) for numbers in zip(*rest, strict=True)]))
    ordered = [step for step in busy if step in shown]
    bands += [
        (str(place), step, found.open_steps[step]) for place, step in reversed(list(enumerate(ordered, 1)))
    ]
    return bands


def _cumulative(flow_class: Any, found: Report, bands: list[tuple[str, str, list[int]]]) -> str:
    days = list(counts.days(found.since, found.until))
    if len(days) < 2:
        return ""
    from portal.render import charts  # leather brings unittest with it, for the sake of one picture

    lines = [f"{band_title(flow_class, step)} {heights[-1]}" for _place, step, heights in reversed(bands)]
    return charts.bands(
        days, [(place, heights) for place, _step, heights in bands],
        _("Cumulative flow"), _("At the end: %(numbers)s", numbers=", ".join(lines)), _day,
    )  # fmt: skip


def _band_days(found: Report, bands: list[tuple[str, str, list[int]]]) -> list[tuple[dt.date, list[int]]]:
    """The numbers of the picture, the last day first; of a long period days at equal distances."""
    days = list(counts.days(found.since, found.until))
    apart = -(-len(days) // _MOST_DAYS)
    return [
        (days[place], [heights[place] for _place, _step, heights in reversed(bands)])
        for place in range(len(days) - 1, -1, -apart)
    ]


def band_title(flow_class: Any, step: str) -> str:
    return {"": _("Finished"), "*": _("Other steps")}.get(step) or _title(flow_class, step)


def _heat(found: Report, kind: str) -> ChartState:
    values = {each.step: _warmth(each, kind) for each in found.steps}
    most = max(values.values(), default=0) or 1
    return ChartState(
        badges={each.step: each.open for each in found.steps if each.open > 0},
        heat={step: round(5 * value / most + 0.49) for step, value in values.items() if value},
        lines={
            step: length(value) if kind == "time" else f"{value:g}" for step, value in values.items() if value
        },
        mutes=False,
    )


def _warmth(step: StepSums, kind: str) -> float:
    return {"time": step.time.p50 or 0.0, "count": step.done, "failures": step.failed}[kind]


# -- files ---------------------------------------------------------------------------------------------------------


def _as_csv(flow_class: Any, found: Report) -> Response:
    part = request.args.get("part", "days")
    tables: dict[str, Callable[[Any, Report], Iterator[list[Any]]]] = {
        "days": _days_table, "parts": _parts_table, "steps": _steps_table, "paths": _paths_table,
        "people": lambda _flow_class, found: _loads_table(_("Person"), found.people),
        "roles": lambda _flow_class, found: _loads_table(_("Role"), found.roles),
        "substitutes": _substitutes_table,
    }  # fmt: skip
    if part not in tables:
        abort(400, _("There is no such table."))
    table = tables[part](flow_class, found)
    return as_csv(f"{flow_class.definition.label}-{part}-{found.since}-{found.until}", next(table), table)


def _days_table(flow_class: Any, found: Report) -> Iterator[list[Any]]:
    steps = [each.step for each in found.steps]
    titles = [_("Open: %(step)s", step=_title(flow_class, step)) for step in steps]
    yield [_("Day"), _("Started"), _("Finished"), _("Cancelled"), _("Failed"), *titles]
    for place, day in enumerate(counts.days(found.since, found.until)):
        numbers = found.flow_days.get(day, Counter())
        ended = [numbers[name] for name in ("started", "finished", "cancelled", "failed")]
        yield [day, *ended, *(found.open_steps[step][place] for step in steps)]


def _parts_table(_flow_class: Any, found: Report) -> Iterator[list[Any]]:
    yield [_("From"), _("Until"), _("Started"), _("Finished"), _("Open"), *_times_head()]
    for first, last, sums in found.parts:
        yield [first, last, sums.started, sums.finished, sums.open, *_times(sums.cycle)]


def _steps_table(flow_class: Any, found: Report) -> Iterator[list[Any]]:
    yield [
        _("Step"), _("Finished"), _("Overdue"), _("Again"), _("Failed"), _("Cancelled"), _("Open"),
        _("Waiting, mean (s)"), _("Working, mean (s)"), *_times_head(),
    ]  # fmt: skip
    for each in found.steps:
        numbers = [each.done, each.late, each.rework, each.failed, each.cancelled, each.open]
        yield [
            _title(flow_class, each.step),
            *numbers,
            *map(_seconds, (each.waiting, each.working)),
            *_times(each.time),
        ]


def _loads_table(head: str, loads: list[Load]) -> Iterator[list[Any]]:
    yield [head, _("Finished"), _("Overdue"), _("Working, mean (s)")]
    yield from ([each.name, each.done, each.late, _seconds(each.working)] for each in loads)


def _substitutes_table(_flow_class: Any, found: Report) -> Iterator[list[Any]]:
    yield [_("Person"), _("In place of"), _("Finished")]
    yield from ([each.name, each.away, each.done] for each in found.stand_ins)


def _paths_table(flow_class: Any, found: Report) -> Iterator[list[Any]]:
    yield [_("Path"), _("Processes"), *_times_head()]
    for each in found.paths:
        yield [path_words(flow_class, each), each.number, *_times(each.time)]


def _times_head() -> list[str]:
    return [_("Median (s)"), "p85 (s)", "p95 (s)"]


def _times(times: Times) -> list[Any]:
    return [_seconds(each) for each in (times.p50, times.p85, times.p95)]


def _seconds(seconds: float | None) -> int | str:
    return "" if seconds is None else round(seconds)
