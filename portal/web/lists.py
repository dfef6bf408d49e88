"""The lists of tasks: inbox, queue, archive, and all open ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.flow import registry
from portal.language import lazy_gettext as _
from portal.models import Process, Task, User, db
from portal.queries import LISTS, Filters, Page
from portal.queries.fields import columns_of

from . import navigation
from .accounts.sign_in import require_login
from .chips import SIGNS, chips
from .csv_files import note_export
from .display.values import field_value
from .export import export, offers
from .filtering import Addresses, asked_condition, filters_of_request
from .grouping import GROUPS, fault, groups
from .layout import badges, me, preferences
from .navigation import Entry
from .rendering import render_template
from .saved_views import start_address
from .urls import see_other

blueprint = Blueprint("lists", __name__)
blueprint.before_request(require_login)


def _looks_on(user: User) -> bool:
    """Whether somebody sees the work of others."""
    return user.is_superuser or any(user.views(label) for label in registry)


navigation.register(
    Entry("inbox", _("Inbox"), "inbox", "portal.lists.inbox", 10),
    Entry("queue", _("Queue"), "stack", "portal.lists.queue", 20),
    Entry("archive", _("Archive"), "archive", "portal.lists.archive", 30),
    Entry("tasks", _("All tasks"), "list-task", "portal.lists.tasks", 55, shown=_looks_on),
)


@dataclass(frozen=True)
class Column:
    """A column of a list: its head, and the order that a press on it gives."""

    name: str
    label: Any
    sort: str = ""
    #: shown only where somebody wants it
    on_demand: bool = False


_TASK, _REQUESTED = Column("task", _("Task"), "process"), Column("requested", _("Requested by"))
_DUE, _AGE = Column("due", _("Due"), "due"), Column("age", _("Age"), "waiting")
_FLOW = Column("flow", _("Flow"), on_demand=True)
#: what each list shows; fields that it is narrowed by come behind the first one
COLUMNS: dict[str, tuple[Column, ...]] = {
    "inbox": (_TASK, _FLOW, _REQUESTED, _DUE, _AGE),
    "queue": (_TASK, _FLOW, _REQUESTED, _DUE, _AGE),
    "archive": (
        _TASK,
        _FLOW,
        _REQUESTED,
        Column("outcome", _("Outcome")),
        Column("finished", _("Finished"), "finished"),
    ),
    "processes": (
        Column("process", _("Process"), "number"),
        Column("state", _("State")),
        Column("now", _("Open now")),
        _REQUESTED,
        Column("started", _("Started")),
        Column("finished", _("Finished"), on_demand=True),
        _FLOW,
    ),
    "mine": (
        Column("process", _("Process"), "number"),
        Column("state", _("State")),
        Column("now", _("Open now")),
        Column("started", _("Started")),
        Column("finished", _("Finished"), on_demand=True),
    ),
    "tasks": (
        _TASK,
        Column("state", _("State")),
        Column("owner", _("Assigned to")),
        _FLOW,
        _REQUESTED,
        _DUE,
        _AGE,
    ),
}
#: what a list can be downloaded as
DOWNLOADS = (("csv", _("Download CSV")), ("xlsx", _("Excel")))
#: the title of each list, and of the tab with all of it
_WORDS = {
    "inbox": (_("Inbox"), _("My work")),
    "queue": (_("Queue"), _("All")),
    "archive": (_("Archive"), _("All")),
    "tasks": (_("All tasks"), _("All")),
    "processes": (_("Processes"), _("All")),
    "mine": (_("My requests"), _("All")),
}


def flow_choices() -> list[tuple[str, str]]:
    return sorted(
        ((label, flow.definition.title) for label, flow in registry.items()),
        key=lambda each: each[1].lower(),
    )


@dataclass(frozen=True)
class Tab:
    """A view of a list above it."""

    label: Any
    address: str
    current: bool
    count: str = ""
    shared: bool = False
    #: of a saved view
    view: Any = None


def list_context(name: str, path: str, filters: Filters, page: Page) -> dict[str, Any]:
    """What the template of every list knows."""
    listed = LISTS[name]
    addresses = Addresses(path, filters, listed.orders)
    flows = flow_choices()
    title, everything = _WORDS[name]
    tabs = _tabs(name, path, filters, page, everything)
    current = next((tab.view for tab in tabs if tab.current and tab.view), None)
    bulk = "portal.bulk.act" if listed.model is Task else "portal.many_processes.bulk"
    return {
        "name": name,
        "title": title,
        "page": page,
        "filters": filters,
        "addresses": addresses,
        "columns": shown_columns(name, filters),
        "choice": _choice(name, filters),
        "groupings": GROUPS.get(name, {}),
        "grouped": GROUPS.get(name, {}).get(filters.group, ""),
        "groups": groups(name, filters, page, addresses),
        "faults": [*page.faults, *filter(None, [fault(name, filters)])],
        "bulk_actions": _process_actions(name, filters),
        "chips": chips(name, filters, addresses, flows),
        "tabs": tabs,
        "current_view": current,
        "differs": (filters.narrows or bool(filters.sort or filters.columns or filters.group))
        and (current is None or current.query != addresses.query),
        "count": _count(name, filters, page),
        "total": badges().get(name, ""),
        "roles": [role.name for role in me().roles],
        "fields": [(key, column.label) for key, column in columns_of(filters.flow).items()],
        "signs": SIGNS,
        "downloads": DOWNLOADS if listed.model is Task else (*DOWNLOADS, ("xes", "XES")),
        "bulk_address": lambda action: _with(_bulk(bulk, action), _narrowing(filters)),
        "field_value": field_value,
        "starts_here": current is not None and preferences().get("start_view") == current.id,
    }


def shown_columns(name: str, filters: Filters) -> list[Column]:
    """The columns of a list: those that are wanted, in their order, behind the first one, which says what a row is."""
    first, *others = COLUMNS[name]
    there = {column.name: column for column in others}
    wanted = [there[each] for each in filters.columns if each in there]
    if not filters.columns:
        wanted = [column for column in others if not column.on_demand]
    return [first, *wanted]


def _choice(name: str, filters: Filters) -> list[tuple[str, Any, bool]]:
    """The columns that can be chosen: name, label, and whether it is shown."""
    shown = {column.name for column in shown_columns(name, filters)}
    fields = columns_of(filters.flow).items()
    return [
        *((column.name, column.label, column.name in shown) for column in COLUMNS[name][1:]),
        *((f"data.{key}", column.label, f"data.{key}" in filters.columns) for key, column in fields),
    ]


def _bulk(endpoint: str, action: str) -> str:
    return url_for("portal.alike.act") if action == "execute" else url_for(endpoint, action=action)


def _process_actions(name: str, filters: Filters) -> tuple[str, ...]:
    """What the rows of a list of processes can be ticked for."""
    if name == "mine":
        return ("withdraw",)
    if name == "processes" and (me().is_superuser or any(me().manages(label) for label in registry)):
        return ("suspend", "resume", "retry", *(["migrate"] if filters.flow else []), "cancel")
    return ()


def _narrowing(filters: Filters) -> dict[str, str]:
    return {key: value for key, value in filters.pairs() if key not in ("columns", "group")}


def _tabs(name: str, path: str, filters: Filters, page: Page, everything: Any) -> list[Tab]:
    mine = {"mine": "1"} if name == "mine" else {}
    plain = not filters.view and not (name == "inbox" and filters.due == "today")
    tabs = [Tab(everything, _with(path, mine), plain, badges().get(name, ""))]
    if name == "inbox":
        count = page.beside.due_today
        today = not filters.view and filters.due == "today"
        tabs.append(Tab(_("Due today"), _with(path, {"due": "today"}), today, _up_to(count)))
    for view in page.beside.views:
        address = _with(path, {**mine, "view": str(view.id)})
        tabs.append(
            Tab(view.name, address, filters.view == str(view.id), shared=view.role is not None, view=view)
        )
    return tabs


def _with(path: str, values: dict[str, str]) -> str:
    return f"{path}?{urlencode(values)}" if values else path


def _up_to(count: int) -> str:
    return "" if not count else f"{count}" if count < 100 else "99+"


def _count(name: str, filters: Filters, page: Page) -> str:
    """How many there are of a narrowed list: all of them where they fill one page, as they are not counted."""
    if not filters.narrows or not page.first:
        return ""
    number = f"{len(page)}+" if page.after else str(len(page))
    total = badges().get(name, "")
    return str(_("%(number)s of %(total)s", number=number, total=total)) if total else number


def show(name: str, path: str, template: str, **context: Any) -> str | BaseResponse:
    """The page of a list, or the file that it is exported to."""
    filters = filters_of_request()
    condition = asked_condition(request.args)
    if condition is not None:
        return see_other(
            Addresses(path, filters, LISTS[name].orders).with_(**{condition.key: condition.text})
        )
    if offers(name, file_format := request.args.get("format", "")):
        note_export(name, format=file_format)
        return export(name, filters, file_format)
    page = queries.read(db.session(), me(), name, filters)
    if name == "archive":
        context["attention"] = queries.attention(db.session(), [task.process for task in page])
    elif LISTS[name].model is Process:
        context["attention"] = queries.attention(db.session(), page)
        context["places"] = queries.places(db.session(), [process.id for process in page])
    return render_template(template, **list_context(name, path, filters, page), **context)


def home() -> BaseResponse:
    """The front page: the saved view that the person begins with, or else the inbox."""
    return redirect(start_address() or url_for("portal.lists.inbox"))


@blueprint.get("/inbox")
def inbox() -> str | BaseResponse:
    return show("inbox", url_for("portal.lists.inbox"), "portal/inbox.html")


@blueprint.get("/queue")
def queue() -> str | BaseResponse:
    return show("queue", url_for("portal.lists.queue"), "portal/queue.html")


@blueprint.get("/archive")
def archive() -> str | BaseResponse:
    return show("archive", url_for("portal.lists.archive"), "portal/archive.html")


@blueprint.get("/tasks")
def tasks() -> str | BaseResponse:
    return show("tasks", url_for("portal.lists.tasks"), "portal/tasks.html")
