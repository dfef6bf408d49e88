"""`portal flows describe|diff|import`: flows as words, two of them as one picture, and Python for a diagram."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from portal.errors import PortalError
from portal.flow.registry import registry

from .flows import known_flow


@click.command("describe")
@click.argument("label")
@with_appcontext
def describe_flow(label: str) -> None:
    """Say a flow in words, for whoever the process belongs to: who does what, by when, and what comes next."""
    from portal import render

    click.echo(render.describe(known_flow(label)))


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option(
    "--svg", "picture", type=click.Path(path_type=Path, dir_okay=False), help="Write both as one picture."
)
@with_appcontext
def diff_flows(old: str, new: str, picture: Path | None) -> None:
    """Tell two versions of a flow apart.

    OLD and NEW are labels of flows, or files that `portal flows export` has written, or another modeller.
    """
    from portal import render

    found = render.compare(_version(old), _version(new))
    for line in found.lines():
        click.echo(line)
    if not found.changes:
        click.echo("No node and no way differs.")
    if picture is not None:
        _write(picture, found.svg())


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of the standard output."
)
def import_flow(file: Path, output: Path | None) -> None:
    """Write a flow's Python for a BPMN 2.0 file: its nodes and ways, with a TODO for what a diagram does not say."""
    text = _python(file)
    if output is None:
        click.echo(text, nl=False)
    elif output.exists():
        raise click.ClickException(f"{output} is there already; name another file")
    else:
        _write(output, text)


#: what `portal flows` offers besides
COMMANDS = (describe_flow, diff_flows, import_flow)


def _python(file: Path, tables: bool = True) -> str:
    from portal import modeller

    try:
        return modeller.skeleton(modeller.read(file.read_text("utf-8")), tables)
    except (PortalError, UnicodeDecodeError, OSError) as error:
        raise click.ClickException(f"{file}: {error}") from error


def _version(name: str) -> Any:
    """A flow by its label, or the one in a file."""
    if name in registry or not Path(name).is_file():
        return known_flow(name)
    made: dict[str, Any] = {
        "__name__": f"read_from_{uuid.uuid4().hex}"
    }  # of its own: classes are known by it
    source = compile(_python(Path(name), tables=False), name, "exec")
    exec(source, made)
    return [each for each in made.values() if isinstance(each, type) and hasattr(each, "definition")][-1]


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {file}: {error.strerror}") from error
