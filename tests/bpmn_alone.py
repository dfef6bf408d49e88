"""Which flows SpiffWorkflow cannot run from our export, and why: one row a flow. All others it follows.

`tests/flows` and `tests/patterns` let SpiffWorkflow follow each process that their scripts run; a flow that it
cannot follow and that has no row here fails there. `tests/test_bpmn_runs.py` looks whether each row is still true.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from spiff import Twin
from sqlalchemy import select

from portal.models import Event, Process, db
from portal.render.shapes import shape_of

COMPENSATION = "SpiffWorkflow has no compensation"
COMPLEX = "SpiffWorkflow has no complex gateway: a join that goes on early, a race of people's tasks"
ITEMS = "BPMN has no way that one token for each item goes; our data sources are such"
REGION = "BPMN has no word that cancels some open tasks of a process"
CRON = "a cron line is no cycle of ISO 8601, the only ones that BPMN engines know"
BY_HAND = "its scripts end with what a manager cancels by hand, and BPMN knows no managers"

#: how a flow shows each reason
SIGNS: dict[str, Any] = {
    COMPENSATION: lambda nodes: any(node.kind.startswith("Compensat") for node in nodes),
    COMPLEX: lambda nodes: any(shape_of(node).element == "complexGateway" for node in nodes),
    ITEMS: lambda nodes: any(edge.multiple for node in nodes for edge in node.outgoing),
    REGION: lambda nodes: any(node.kind == "CancelRegion" for node in nodes),
    CRON: lambda nodes: any(getattr(node, "cron", None) for node in nodes),
    BY_HAND: lambda nodes: True,
}

#: what SpiffWorkflow refuses when it reads it; of the others it would make something else
REFUSED = frozenset({COMPENSATION, COMPLEX})

ALONE: dict[str, str] = {
    "stocktaking": CRON,
    "booking": COMPENSATION,
    "discriminator": COMPLEX,
    "without_synchronization": ITEMS,
    "design_time": ITEMS,
    "run_time": ITEMS,
    "cancel_task": BY_HAND,
    "cancel_case": BY_HAND,
    "cancel_region": REGION,
    "web_order": REGION,
    "complete_instances": COMPLEX,
    "blocking_discriminator": COMPLEX,
    "cancelling_discriminator": COMPLEX,
    "partial_join": COMPLEX,
    "blocking_partial_join": COMPLEX,
    "cancelling_partial_join": COMPLEX,
    "static_partial_join": COMPLEX,
    "cancelling_instances_join": COMPLEX,
    "dynamic_partial_join": COMPLEX,
    "thread_merge": COMPLEX,
    "thread_split": ITEMS,
}

#: what people do to a process from outside of it; the engine itself only cancels
_BY_HAND = frozenset({"undo", "revive", "suspend", "resume"})


def follow_all() -> None:
    """Let SpiffWorkflow follow every process of the database that is not below another one."""
    db.session.rollback()
    for process in db.session.scalars(select(Process).where(Process.parent_task_id.is_(None))).unique().all():
        if process.flow_label not in ALONE and not _touched_by_hand(process):
            Twin(process).follow()


def _touched_by_hand(process: Process) -> bool:
    tree = select(Process.id).where((Process.id == process.id) | (Process.root_id == process.id))
    last = None
    for event in db.session.scalars(select(Event).where(Event.process_id.in_(tree)).order_by(Event.id)):
        # all that one action does bears one time: who cancels by hand begins with it
        if event.action in _BY_HAND or (event.action == "cancel" and event.created != last):
            return True
        last = event.created
    return False


@pytest.fixture(autouse=True)
def _followed(request: pytest.FixtureRequest) -> Iterator[None]:
    """For the folders whose scripts SpiffWorkflow follows."""
    if "flow_tester" in request.fixturenames:
        request.getfixturevalue("flow_tester")
        yield
        follow_all()
    else:
        yield
