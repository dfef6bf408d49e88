"""The script of the shipment."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from flows.shipment import ShipmentFlow, ShipmentProcess
from portal import flow
from portal.models import db


@pytest.fixture
def run(flow_tester):
    run = flow_tester(ShipmentFlow)
    return run.start("start", user="alice", order_number="B-17", destination="Chur", worth=Decimal("780.00"))


def test_clerk_and_warehouse_work_side_by_side(run):
    split = run.tasks("prepare")[0].number
    assert run.task("choose_carrier").token == f"start/{split}_1"
    assert run.task("pack").token == f"start/{split}_2"
    assert run.task("choose_carrier").owner_permission == "shipment.clerk"
    assert run.task("pack").owner_permission == "shipment.warehouse"


def test_an_insured_parcel_needs_policy_and_label(run):
    run.task("choose_carrier").assign("bob").execute(carrier="post", insured=True)
    run.task("label_parcels").assign("bob").execute(label_number="99.00.1")
    assert run.task("papers_done").status == "STARTED"
    run.task("insure").assign("carol").execute(policy="P-3")
    assert run.task("ready").status == "STARTED", "the warehouse still packs"
    run.task("pack").assign("dave").execute(parcels=2)
    run.task("hand_over").assign("dave").execute()

    assert run.process.status == "DONE"
    assert run.path == [
        "start", "prepare", "choose_carrier", "by_post", "papers", "label_parcels", "insure", "papers_done",
        "pack", "ready", "hand_over", "shipped",
    ]  # fmt: skip
    assert (run.process.policy, run.process.label_number, run.process.parcels) == ("P-3", "99.00.1", 2)


def test_without_insurance_the_label_is_all(run):
    run.task("choose_carrier").assign("bob").execute(carrier="post", insured=False)
    assert run.tasks("insure") == []
    run.task("label_parcels").assign("bob").execute(label_number="99.00.1")
    assert run.tasks("papers_done")[0].status == "DONE"
    assert run.task("ready").status == "STARTED"


def test_a_special_carrier_is_asked_for_quotes(run):
    run.task("pack").assign("dave").execute(parcels=1)
    run.task("choose_carrier").assign("bob").execute(carrier="special", insured=True)
    run.task("get_quotes").assign("bob").execute(quote="Alpine Cargo, 120.00")

    assert run.path[-5:] == ["pack", "choose_carrier", "by_post", "get_quotes", "ready"]
    assert run.task("hand_over").token == "start", "behind the join the branches are one path again"


def test_the_warehouse_does_not_wait_for_the_clerk_to_pack(run):
    run.task("pack").assign("dave").execute(parcels=3)
    assert run.tasks("hand_over") == []
    assert run.task("choose_carrier").status == "NEW"


def test_other_programs_read_the_table(run):
    query = select(ShipmentProcess).where(ShipmentProcess.order_number == "B-17", ShipmentProcess.worth > 500)
    assert db.session.scalars(query).unique().one().id == run.process.id


def test_a_customer_who_moves_and_carriers_who_strike(run):
    run.task("pack").assign("dave").execute(parcels=1)
    run.task("choose_carrier").assign("bob").execute(carrier="post", insured=False)
    run.task("label_parcels").assign("bob").execute(label_number="99.00.1")
    ShipmentFlow.send("moved", process=run.process, address="Davos")
    flow.throw_signal("strike")
    assert run.process.delayed
    run.task("mend_label").assign("bob").execute(destination="Davos", label_number="99.00.2")
    run.task("hand_over").assign("dave").execute()
    assert (run.process.status, run.process.destination) == ("DONE", "Davos")
