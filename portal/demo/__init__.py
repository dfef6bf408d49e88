"""People and processes to look around with."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib

from flask import Flask, current_app
from sqlalchemy import select

from portal import folders
from portal.discovery import discover
from portal.engine.queue import schedules
from portal.flow.registry import ADMIN, registry
from portal.models import User, create_user, db, utcnow

from .company import Away, Company, Paper, Person, Story, hire
from .playing import play

__all__ = ["DEMO_PASSWORD", "Away", "Company", "Paper", "Person", "Story", "bring_examples", "make_demo"]

DEMO_PASSWORD = "portal-demo"

#: the demo's people where the flows bring no company of their own
PEOPLE = {"alice": "Alice Keller", "bob": "Bob Steiner", "carol": "Carol Meier"}


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


def make_demo(now: dt.datetime | None = None) -> list[str]:
    """Make them, in a database that knows nobody yet. What to tell the person who asked for them.

    Args:
        now: the moment up to which the company has worked; the present one by default.
    """
    said = []
    if db.session.scalar(select(User.id).limit(1)) is not None:
        said.append("There are people already: no demo people made.")
    elif (company := _company()) is not None:
        hire(company, DEMO_PASSWORD)
        play(company, utcnow() if now is None else now)
    else:
        _three_people()
    said.append(f"Sign in as one of these (password {DEMO_PASSWORD}):")
    for name, words in zip(
        PEOPLE, ("starts requests", "decides them", "sees and may do everything"), strict=True
    ):
        said.append(f"  {name:8} {words}")
    return said


def _three_people() -> None:
    for name, full_name in PEOPLE.items():
        permissions = (
            sorted(registry.permissions().keys() - {ADMIN}) if name == "bob" else _start_permissions()
        )
        create_user(
            name, DEMO_PASSWORD, permissions=permissions, is_superuser=name == "carol", full_name=full_name,
            roles=["Managers"] if name == "bob" else (), email=f"{name}@example.com",
        )  # fmt: skip


def _start_permissions() -> list[str]:
    starts = [node for flow_class in registry.values() for node in flow_class.definition.starts]
    return sorted({node.permission for node in starts if node.permission})


def _company() -> Company | None:
    """The company that the flows' own `demo` module declares, if there is one."""
    for package in current_app.extensions["portal"].flows:
        try:
            module = importlib.import_module(f"{package}.demo")
        except ModuleNotFoundError as error:
            if error.name not in (package, f"{package}.demo"):
                raise
        else:
            found: Company | None = getattr(module, "COMPANY", None)
            return found
    return None
