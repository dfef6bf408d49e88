"""People and processes to look around with."""

from __future__ import annotations

import dataclasses
import importlib

from flask import Flask, current_app
from sqlalchemy import select

from portal import folders
from portal.discovery import discover
from portal.engine.queue import schedules
from portal.flow.registry import ADMIN, registry
from portal.models import User, create_user, db

DEMO_PASSWORD = "portal-demo"

#: the demo's people: what they may do is in their roles
PEOPLE = {"alice": "Alice Employee", "bob": "Bob Manager", "carol": "Carol Admin"}


def bring_examples(app: Flask) -> None:
    """Give an application that has no flows the example flows. Its database is made afterwards."""
    flows = app.extensions["portal_flows"]
    if flows:
        return
    for flow_class in discover([folders.EXAMPLES]).values():
        flows.register(flow_class)
    schedules.check(flows.values())
    settings = app.extensions["portal"]
    app.extensions["portal"] = dataclasses.replace(settings, flows=(folders.EXAMPLES,))


def make_demo() -> list[str]:
    """Make them, in a database that knows nobody yet. What to tell the person who asked for them."""
    said = []
    if db.session.scalar(select(User.id).limit(1)) is not None:
        said.append("There are people already: no demo people made.")
    else:
        for name, full_name in PEOPLE.items():
            permissions = (
                sorted(registry.permissions().keys() - {ADMIN}) if name == "bob" else _start_permissions()
            )
            create_user(
                name, DEMO_PASSWORD, permissions=permissions, is_superuser=name == "carol", full_name=full_name,
                roles=["Managers"] if name == "bob" else (), email=f"{name}@example.com",
            )  # fmt: skip
        _demo_processes()
    said.append(f"Sign in as one of these (password {DEMO_PASSWORD}):")
    for name, words in zip(
        PEOPLE, ("starts requests", "decides them", "sees and may do everything"), strict=True
    ):
        said.append(f"  {name:8} {words}")
    return said


def _start_permissions() -> list[str]:
    starts = [node for flow_class in registry.values() for node in flow_class.definition.starts]
    return sorted({node.permission for node in starts if node.permission})


def _demo_processes() -> None:
    """What the flows' own `demo` module starts, if there is one."""
    for package in current_app.extensions["portal"].flows:
        try:
            module = importlib.import_module(f"{package}.demo")
        except ModuleNotFoundError as error:
            if error.name not in (package, f"{package}.demo"):
                raise
        else:
            module.populate()
