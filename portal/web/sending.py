"""Sends a waiting process a message or a signal, or adds an item to one of its steps, by a manager."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as BaseResponse

from portal.engine import actions, items
from portal.engine.lifecycle import demand_process
from portal.errors import PermissionDenied, PortalError, TransientError, TransitionNotAllowed, Uncertain
from portal.flow import registry
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Process, SignalSubscription, Task, db, task_link

from .accounts.sign_in import require_login
from .display.actions import PROCESS_ACTIONS
from .layout import me
from .lookups import process_or_refuse
from .messages import flash
from .reasons import reason_of_request
from .rendering import render_template
from .urls import see_other, way_back

blueprint = Blueprint("sending", __name__)
blueprint.before_request(require_login)

#: characters of what is sent, and of an item that is shown
_MOST, _LONG = 10_000, 200


@dataclass(frozen=True)
class News:
    """What can be sent.

    Attributes:
        key: `message:name` or `signal:name`.
        told: what happens then, in a sentence.
    """

    key: str
    name: str
    told: str


@dataclass(frozen=True)
class Taker:
    """What takes an item.

    Attributes:
        key: the id of a task, and of a split also the name of the step with which the branch begins: `12:visit`.
        told: what there is and what happens then, in sentences.
        example: one of its items, as JSON; empty where none is known.
    """

    key: str
    title: str
    told: str
    example: str = ""


@blueprint.route("/processes/<int:process_id>/send", methods=["GET", "POST"])
def send(process_id: int) -> BaseResponse | str | tuple[str, int]:
    process = process_or_refuse(process_id)
    demand_process("send", process, me())
    offered = news_of(process)
    if request.method != "POST":
        return _page("send", process, news=offered)
    reason, fault = reason_of_request()
    kind, _colon, name = request.form.get("what", "").partition(":")
    if f"{kind}:{name}" not in {each.key for each in offered}:
        fault = fault or _("Choose a message or a signal.")
    data, wrong = _data()
    if fault := fault or wrong:
        return _page("send", process, fault, news=offered), 422
    values: dict[str, Any] = {"signal": name} if kind == "signal" else {"message": name, "data": data}
    try:
        actions.send(db.session(), process_id, me().id, reason, **values)
    except Exception as error:  # the function that takes it refuses what was sent: nothing has happened
        fault = _refusal(error)
        return _page("send", process_or_refuse(process_id), fault, news=offered), 422
    flash(_("“%(name)s” is sent.", name=name), "success")
    return see_other(way_back(url_for("portal.processes.detail", process_id=process_id)))


@blueprint.route("/processes/<int:process_id>/add", methods=["GET", "POST"])
def add(process_id: int) -> BaseResponse | str | tuple[str, int]:
    process = process_or_refuse(process_id)
    demand_process("add", process, me())
    steps = takers_of(process)
    if not steps:
        raise TransitionNotAllowed(_("No step of this process runs once for each item now."))
    if request.method != "POST":
        return _page("add", process, steps=steps)
    reason, fault = reason_of_request()
    step = request.form.get("step", "") or steps[0].key
    if step not in {each.key for each in steps}:
        fault = fault or _("Choose a step.")
    item, wrong = _item()
    if fault := fault or wrong:
        return _page("add", process, fault, steps=steps), 422
    number, _colon, branch = step.partition(":")
    try:
        actions.add_item(db.session(), process_id, int(number), item, me().id, reason, branch=branch or None)
    except Exception as error:  # what takes the item refuses it: nothing has happened
        fault, process = _refusal(error), process_or_refuse(process_id)
        return _page("add", process, fault, steps=takers_of(process)), 422
    flash(_("The item is added."), "success")
    return see_other(way_back(url_for("portal.processes.detail", process_id=process_id)))


def _refusal(error: Exception) -> str:
    """What an author's function says of values that it does not take.

    Raises:
        Exception: it is none of theirs.
    """
    if isinstance(
        error, TransitionNotAllowed | PermissionDenied | TransientError | Uncertain | SQLAlchemyError
    ):
        raise error
    db.session.rollback()
    return str(error) if isinstance(error, PortalError | ValueError) else f"{type(error).__name__}: {error}"


def takes_items(process: Process) -> bool:
    """Whether an item can be added to a step of a process now."""
    return bool(items.taking(db.session(), process))


def takers_of(process: Process) -> list[Taker]:
    """What an item can be added to now."""
    found: list[Taker] = []
    for task in items.taking(db.session(), process):
        node: Any = task.node
        if not node.item_ways:
            title = f"{task.title} ({task.number})"
            found.append(Taker(str(task.id), title, _of_processes(task)))
        for edge in node.item_ways:
            so_far, example = _on_way(task, edge.target.name)
            title = f"{edge.target.title} ({task.title}, {task.number})"
            told = f"{so_far} {_of_branches(node, edge)}"
            found.append(Taker(f"{task.id}:{edge.target.name}", title, told, example))
    return found


def _of_processes(task: Task) -> str:
    node: Any = task.node
    counted = select(func.count(), func.count(Process.finished)).where(Process.parent_task_id == task.id)
    count, over = db.session.execute(counted).one()
    so_far = ngettext(
        "%(number)s process so far, %(over)s of them over.",
        "%(number)s processes so far, %(over)s of them over.",
        count,
        over=over,
    )
    what = (
        _("One more is started for it when its turn comes, and the step waits for that one, too.")
        if node.sequential and count > over
        else _("One more is started for it now, and the step waits for that one, too.")
    )
    return f"{so_far} {what}"


def _of_branches(split: Any, edge: Any) -> str:
    join = split.flow_class.definition.common_join(split)
    if join is None:
        return _("One more branch begins at “%(step)s” now; nothing waits for it.", step=edge.target.title)
    return _(
        "One more branch begins at “%(step)s” now, and “%(join)s” waits for it, too.",
        step=edge.target.title,
        join=join.title,
    )


def _on_way(split: Task, name: str) -> tuple[str, str]:
    """How many branches of a split began with a step, and the data of one of them, as JSON."""
    first = (
        select(Task)
        .join(task_link, task_link.c.task_id == Task.id)
        .where(task_link.c.previous_id == split.id, Task.flow_task == name)
    )
    newest = db.session.scalars(first.order_by(Task.id.desc()).limit(1)).unique().first()
    count = db.session.scalar(select(func.count()).select_from(first.subquery())) or 0
    so_far = ngettext("%(number)s branch so far.", "%(number)s branches so far.", count)
    data = {} if newest is None else {k: v for k, v in dict(newest.data).items() if not k.startswith("_")}
    return so_far, json.dumps(data, ensure_ascii=False)[:_LONG] if data else ""


def has_news(process: Process) -> bool:
    """Whether its flow waits for any message or signal."""
    nodes = process.flow_class.definition.nodes.values() if process.flow_class is not None else ()
    return any(
        node.keeps_messages or node.message or (node.signal and node.kind != "SignalThrow") for node in nodes
    )


def news_of(process: Process) -> list[News]:
    """The messages and signals that the flow of a process waits for anywhere, with what each does now."""
    if process.flow_class is None:
        return []
    query = select(Task).where(Task.process_id == process.id, Task.status == "STARTED")
    waiting = {task.flow_task for task in db.session.scalars(query).unique()}
    found: dict[str, News] = {}
    for node in process.flow_class.definition.nodes.values():
        title = node.host.title if node.host is not None else node.title
        here = _("“%(step)s” waits for it now and continues.", step=title)
        if node.keeps_messages:
            told = here if node.name in waiting else _("Kept until “%(step)s” waits for it.", step=title)
            found[f"message:{node.name}"] = News(f"message:{node.name}", str(node.title), told)
        elif node.message and node.name in waiting:
            found[f"message:{node.message}"] = News(f"message:{node.message}", node.message, here)
        elif node.signal and node.kind != "SignalThrow" and _may_throw(node.signal):
            key = f"signal:{node.signal}"
            found[key] = found.get(key) or News(key, node.signal, _reaches(node.signal))
    return list(found.values())


def _may_throw(name: str) -> bool:
    """A signal is for who manages all flows that listen to it."""
    listening = (
        label
        for label, flow in registry.items()
        if any(each.signal == name and each.kind != "SignalThrow" for each in flow.definition.nodes.values())
    )
    return all(me().manages(label) for label in listening)


def _reaches(name: str) -> str:
    subscribed = select(SignalSubscription.task_id).where(SignalSubscription.name == name)
    waits = (Task.awaits == f"signal:{name}") | Task.id.in_(subscribed)
    query = select(func.count(func.distinct(Task.process_id))).where(waits, Task.status == "STARTED")
    count = db.session.scalar(query) or 0
    return ngettext(
        "It reaches %(number)s process that waits for it now.",
        "It reaches %(number)s processes that wait for it now.",
        count,
    )


def _data() -> tuple[dict[str, Any], str]:
    """What is sent along, and what is wrong with it."""
    text = request.form.get("data", "").strip()
    if not text:
        return {}, ""
    found = _parsed(text)
    if not isinstance(found, dict):
        return {}, _('Write the data as JSON, such as {"amount": 3}.')
    strange = [
        key for key in found if not key.isidentifier() or key.startswith("_") or key in ("process", "task")
    ]
    if strange:
        return {}, _("Nothing takes a value called “%(name)s”.", name=strange[0][:50])
    return found, ""


def _item() -> tuple[Any, str]:
    text = request.form.get("item", "").replace("\0", "").strip()
    if not text or len(text) > _MOST:
        return None, _("Say what the item is.")
    found = _parsed(text)
    return text if found is None else found, ""


def _parsed(text: str) -> Any:
    """The JSON of a text; None where it is none that a database could keep."""
    try:
        found = json.loads(text[:_MOST])
        whole = json.dumps(found, ensure_ascii=False, allow_nan=False)
        return None if "\\u0000" in whole or not whole.encode() else found
    except (ValueError, RecursionError):
        return None


def _page(action: str, process: Process, fault: str = "", **more: Any) -> str:
    return render_template(
        "portal/sending.html",
        process=process,
        asked=PROCESS_ACTIONS[action],
        action=action,
        told=[],
        address=url_for(f"portal.sending.{action}", process_id=process.id),
        back=way_back(url_for("portal.processes.detail", process_id=process.id)),
        fault=fault,
        **more,
    )
