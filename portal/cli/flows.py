"""`portal flows`: what the flows declare, and the processes that no longer fit it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import inspect

from portal.flow.doubts import doubts
from portal.flow.registry import registry
from portal.web.forms.form_view import FormView

from . import own_pages

flows = AppGroup("flows", help="What the flows declare.")


def known_flow(label: str) -> Any:
    """The flow with this label.

    Raises:
        ClickException: there is none; the message names those that there are.
    """
    if label not in registry:
        raise click.ClickException(f"there is no flow {label!r}; there are: {', '.join(sorted(registry))}")
    return registry[label]


@flows.command("list")
def list_flows() -> None:
    """List the flows with their labels and titles."""
    for label, flow_class in sorted(registry.items()):
        click.echo(f"{label:30} {flow_class.definition.title}")


#: what needs neither pages nor a database
BARE: tuple[click.Command, ...] = (list_flows,)


@flows.command("check")
@click.argument("labels", nargs=-1, metavar="[LABEL]...")
def check_flows(labels: tuple[str, ...]) -> None:
    """Check that every flow, or each that is named, is sound, and list running processes that no longer fit the code.

    A flow that is declared wrongly fails when its module is imported, with the mend. Exits with 1 if a process does
    not fit. What a rename may have left behind, permissions and data of fields, is said beside, and so is what may be a
    slip: a field of an author's own form that nothing stores, a case that is never taken, a signal that nobody throws.
    """
    from portal.engine.versions import incompatible, renaming, unread
    from portal.models import db

    named = {label: known_flow(label) for label in labels or registry}
    for label, flow_class in sorted(named.items()):
        click.echo(f"{label}: {len(flow_class.definition.nodes)} nodes, sound")
        for remark in (*_unstored(flow_class), *doubts(flow_class, registry.values())):
            click.echo(f"{label}: {remark}")
    for stray in registry.current.strays:
        name = f"{stray.__module__}.{stray.__qualname__}"
        click.echo(f"{name} has steps and is no flow; write class {stray.__name__}(flow.Flow)")
    for remark in own_pages.doubts(current_app, registry.values()):
        click.echo(remark)
    # Flows can be checked before there is a database, in a build for example.
    ready = inspect(db.engine).has_table("portal_task")
    found = incompatible.find(db.session()) if ready else []
    lost = renaming.lost_classes(db.session()) if ready else []
    left_behind = [*unread.permissions(db.session()), *unread.data(db.session())] if ready else []
    for each in (*lost, *found, *left_behind):
        click.echo(str(each))
    if found:
        processes = len({misfit.process_id for misfit in found})
        click.echo(f"{_count(len(found), 'task')} of {_count(processes, 'process')} no longer fit the code.")
    if found or lost:
        raise SystemExit(1)


def _unstored(flow_class: Any) -> Iterator[str]:
    """The fields of authors' own forms that nothing stores."""
    for node in flow_class.definition.nodes.values():
        names = node.view.unstored(flow_class) if isinstance(node.view, FormView) else []
        if names:
            fields = ", ".join(f"`{name}`" for name in names)
            form = node.view.form_class.__name__
            yield (
                f"{flow_class.__name__}.{node.name}: nothing stores {fields} of {form}; add it to the process class if "
                "it is to be kept"
            )


@flows.command("migrate")
@click.argument("label")
@click.option("--map", "pairs", multiple=True, required=True, metavar="OLD=NEW", help="May be repeated.")
@click.option(
    "--process", "processes", multiple=True, type=int, help="Only these processes; may be repeated."
)
@click.option("--fingerprint", help="Only tasks made by this declaration of the flow, as `check` names it.")
@click.option("--created-before", type=click.DateTime(), help="Only processes that are older, in UTC.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
def migrate_flows(
    label: str,
    pairs: tuple[str, ...],
    processes: tuple[int, ...],
    fingerprint: str | None,
    created_before: dt.datetime | None,
    dry_run: bool,
) -> None:
    """Move the open tasks of removed or renamed nodes to other nodes of the flow.

    Each task moves in an action of its own. Exits with 1 if a task had to stay.
    """
    from portal.engine.versions import lost_steps, migration
    from portal.models import db

    flow_class, names = known_flow(label), _names(pairs)
    older = created_before.replace(tzinfo=dt.UTC) if created_before is not None else None
    chosen: dict[str, Any] = {"fingerprint": fingerprint, "created_before": older, "tell": click.echo}
    moves = migration.move(db.session(), flow_class, names, processes, dry_run, **chosen)
    stayed = sum(each.obstacle is not None for each in moves)
    moved = len(moves) - stayed
    rest = f" {stayed} {'would stay' if dry_run else 'stayed'}." if stayed else ""
    click.echo(f"{_count(moved, 'task')} {'would move' if dry_run else 'moved'}.{rest}")
    if not moves:
        places = lost_steps.waiting_at(db.session(), flow_class)
        there = ", ".join(f"{name} ({number})" for name, number in places.items()) or "none"
        click.echo(f"Open tasks of {label} are at: {there}")
    if stayed:
        raise SystemExit(1)


def _names(pairs: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for pair in pairs:
        old, equals, new = pair.partition("=")
        if not (old and equals and new):
            raise click.BadParameter(f"{pair!r} is not OLD=NEW", param_hint="--map")
        if names.setdefault(old, new) != new:
            raise click.BadParameter(f"{old} cannot move to {names[old]} and to {new}", param_hint="--map")
    return names


def _count(number: int, thing: str) -> str:
    return f"{number} {thing if number == 1 else thing + ('es' if thing.endswith('s') else 's')}"


@flows.command("rename-class")
@click.argument("old")
@click.argument("new")
def rename_class(old: str, new: str) -> None:
    """Move the processes of class OLD, which was renamed or moved, to class NEW.

    Each is `module:Class`, or the label of a flow; the permissions of a flow go with it.
    """
    from portal.engine.versions import renaming
    from portal.models import db

    moved = renaming.rename(db.session(), old, new)
    click.echo(f"{_count(moved, 'process')} moved.")


@flows.command("export")
@click.argument("label")
@click.option("--format", "form", type=click.Choice(["bpmn", "svg"]), default="bpmn", show_default=True)
def export_flow(label: str, form: str) -> None:
    """Print a flow as BPMN 2.0 or as a picture."""
    from portal import render

    flow_class = known_flow(label)
    click.echo(render.bpmn(flow_class) if form == "bpmn" else render.svg(flow_class))
