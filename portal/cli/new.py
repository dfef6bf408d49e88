"""`portal new`: makes the folder of a new site."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.private import make_file

#: the files of a new site, each with this at the end of its name
_SITE, _ENDING = Path(__file__).with_name("site"), ".jinja"
_SECRET = (".env",)


@click.command("new")
@click.argument("folder", type=click.Path(path_type=Path))
def new(folder: Path) -> None:
    """Make a site in FOLDER: a flow with its test, a page, and what serves it, on one machine and in containers."""
    if folder.is_dir() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty; name a folder that is not there yet")
    try:
        for name, text in _files(folder.resolve().name):
            made = folder / name
            made.parent.mkdir(parents=True, exist_ok=True)
            if name in _SECRET:
                make_file(made)
            made.write_text(text, "utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename or folder}: {error.strerror}") from error
    click.echo(f"A portal is in {folder}. Next:")
    for line in (f"cd {shlex.quote(str(folder))}", "pytest", "portal run --reload --debug --demo"):
        click.echo(f"  {line}")


def _files(title: str) -> Iterator[tuple[str, str]]:
    """The path of each file in the site, and its text."""
    environment = Environment(
        loader=FileSystemLoader(_SITE),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        # the pages of a site are Jinja themselves
        block_start_string="<%", block_end_string="%>", variable_start_string="[[", variable_end_string="]]",
    )  # fmt: skip
    made = {"secret": secrets.token_hex(32), "password": secrets.token_hex(16)}
    words = {"title": title, "name": _distribution(title), **made}
    for name in environment.list_templates():
        if name.endswith(_ENDING):
            yield name.removesuffix(_ENDING), environment.get_template(name).render(words)


def _distribution(title: str) -> str:
    """A name that a `pyproject.toml` takes."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "site"
